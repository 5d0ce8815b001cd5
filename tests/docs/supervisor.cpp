// docs/supervisor.md
#include "coppice/otp/supervisor.hpp"

#include "coppice/otp/gen_server.hpp"

using namespace std::chrono_literals;

struct chat_server : coppice::gen_server {};
struct worker : coppice::gen_server {};
struct importer : coppice::gen_server {};
struct cache : coppice::gen_server {
  explicit cache(int size = 0) : size(size) {}
  int size;
};
struct limits {};
struct session : coppice::gen_server {
  session(limits, std::string name) : user(std::move(name)) {}
  std::string user;
};
struct room_sup : coppice::supervisor {
  [[nodiscard]] static std::vector<coppice::child_spec> children() { return {}; }
};

class chat_sup : public coppice::supervisor {
public:
  coppice::supervisor_flags flags() const {
    return {.strategy = coppice::strategy::one_for_one, .intensity = 5, .period = 10s};
  }
  std::vector<coppice::child_spec> children() const {
    return {coppice::child<chat_server>("chat_server", coppice::local("chat_server")),
            coppice::child<room_sup>("rooms")};
  }
};

coppice::task<std::expected<coppice::ok, coppice::exit_reason>> begin() {
  auto sup = co_await coppice::start_link<chat_sup>(coppice::local("chat_sup"));
  if (!sup) co_return std::unexpected(sup.error());
  co_return coppice::ok();
}

coppice::task<> plain(coppice::supervisor_flags flags, std::vector<coppice::child_spec> specs) {
  auto sup = co_await coppice::start_link<coppice::plain_supervisor>(flags, specs);
}

std::vector<coppice::child_spec> all_kinds() {
  return {coppice::child<cache>("cache", 1024).transient().shutdown(2s),
          coppice::child<worker>("worker").temporary().brutal_kill(),
          coppice::child<room_sup>("rooms").infinity(),
          coppice::child<importer>("import").transient().significant()};
}

class session_sup : public coppice::supervisor {
public:
  coppice::supervisor_flags flags() const { return {.strategy = coppice::strategy::simple_one_for_one}; }
  std::vector<coppice::child_spec> children() const {
    return {coppice::child_template<session, std::string>("session", limits{}).temporary()};
  }
};

coppice::task<> dynamic() {
  auto started = co_await coppice::start_link<session_sup>(coppice::local("session_sup"));
  auto bob = co_await coppice::start_child("session_sup", "bob"); // session(limits, std::string)
}

coppice::task<> by_hand(coppice::server_name sup) {
  co_await coppice::start_child(sup, coppice::child<cache>("cache2"));
  co_await coppice::terminate_child(sup, "cache2");
  co_await coppice::restart_child(sup, "cache2");
  co_await coppice::delete_child(sup, "cache2");
  co_await coppice::which_children(sup, 100);
  co_await coppice::count_children(sup);
  co_await coppice::get_childspec(sup, "cache");
}

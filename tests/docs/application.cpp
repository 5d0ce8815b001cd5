// docs/application.md
#include "coppice/otp/application.hpp"

#include "coppice/otp/gen_server.hpp"
#include "coppice/otp/supervisor.hpp"

#include <fmt/format.h>

using namespace std::chrono_literals;

struct chat_sup : coppice::supervisor {
  [[nodiscard]] static std::vector<coppice::child_spec> children() { return {}; }
};
coppice::application_spec store() { return coppice::application_spec("store"); }

coppice::application_spec chat() {
  return coppice::application_spec("chat", "1.0.0")
      .description("people talk to each other")
      .applications({"store"})
      .env("port", 8080)
      .start(coppice::child<chat_sup>("chat_sup", coppice::local("chat_sup")));
}

namespace application = coppice::application;

coppice::task<> by_hand() {
  co_await application::load(chat());
  auto started = co_await application::ensure_all_started("chat"); // those that it started, in order
  co_await application::stop("chat");
  co_await application::unload("chat");
}

coppice::task<> parameters() {
  int port = co_await application::get_env<int>("chat", "port", 8080);
  co_await application::set_env("chat", "port", 9090);
}

int main() {
  coppice::node n;
  auto up = coppice::application::boot(n, {chat(), store()});
  if (!up) {
    fmt::print(stderr, "{}\n", up.error().message());
    return 1;
  }
  return n.run_until_stopped();
}

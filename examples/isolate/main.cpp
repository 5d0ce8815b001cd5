// An isolate: a child that dereferences null at every third request costs nobody but itself.
#include <coppice/coppice.hpp>
#include <coppice/dist/isolate.hpp>
#include <coppice/net/asio_poller.hpp>

#include <cstdint>
#include <fmt/core.h>
#include <vector>

using namespace coppice;
using namespace std::chrono_literals;

struct measure {
  std::int64_t width;
};

// As if it used a library in C that we do not trust.
class careless : public gen_server {
public:
  using protocol = coppice::protocol<calls<measure, std::int64_t>>;

  std::int64_t handle_call(const measure& m) {
    const volatile std::int64_t* volatile where = &m.width;
    if (++requests_ % 3 == 0) where = nullptr;
    return *where * 2;
  }

private:
  int requests_ = 0;
};

struct book {
  std::int64_t amount;
};

class till : public gen_server {
public:
  using protocol = coppice::protocol<calls<book, std::int64_t>>;
  std::int64_t handle_call(const book& b) { return sum_ += b.amount; }

private:
  std::int64_t sum_ = 0;
};

class shop_sup : public supervisor {
public:
  [[nodiscard]] supervisor_flags flags() const { return {.intensity = 20, .period = 10s}; }
  [[nodiscard]] std::vector<child_spec> children() const {
    return {child<till>("till", local("till")),
            dist::isolate<careless>("careless", {.memory = 512 << 20, .cpu = 60s}, local("careless"))};
  }
};

process customer(self, pid whom) {
  server_ref<till> there("till");
  for (int i = 0; i < 100; ++i) {
    co_await call<book>(there, 1);
  }
  send(whom, true);
}

task<int> demo(self me) {
  auto sup = co_await start_link<shop_sup>();
  if (!sup) co_return 1;
  for (int i = 0; i < 64; ++i) spawn_link(&customer, me.id());

  server_ref<careless> there("careless");
  int answers = 0;
  int crashes = 0;
  while (crashes < 3) {
    monitor(atom("careless"));
    for (int i = 0; i < 3; ++i) {
      auto doubled = co_await try_call<measure>(there, within(10s), 21);
      if (doubled && *doubled == 42) ++answers;
    }
    down gone = co_await me.receive<down>();
    fmt::print("it ended: {}\n", gone.reason.to_string());
    ++crashes;
    co_await count_children(*sup); // a supervisor answers when it has done its work: the child is back
  }

  for (int i = 0; i < 64; ++i) co_await me.receive<bool>();
  const std::int64_t sum = co_await call<book>(server_ref<till>("till"), 0);
  fmt::print("{} answers between {} crashes; the till has {}\n", answers, crashes, sum);
  co_return answers == 6 && sum == 6400 ? 0 : 1;
}

int main(int argc, char** argv) {
  dist::isolate_main(argc, argv); // first of all: an isolate is this very program, started once more
  node_options options;
  options.make_poller = net::make_poller();
  node n(options);
  return n.run(demo);
}

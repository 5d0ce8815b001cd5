// An API gateway: requests go by their path to handlers, which come and go while it runs.
#include <coppice/coppice.hpp>

#include <functional>
#include <map>
#include <string>

using namespace coppice;

struct request {
  std::string method, body;
};
struct not_found {};
using response = std::variant<std::string, not_found>;
using handler = std::function<std::string(const request&)>;

struct add_route {
  std::string path;
  handler handle;
};
struct remove_route {
  std::string path;
};
struct route_request {
  std::string path;
  request what;
};

class api_gateway : public gen_server {
public:
  using protocol =
      coppice::protocol<calls<route_request, response>, calls<add_route, ok>, calls<remove_route, ok>>;

  response handle_call(const route_request& r) const {
    auto found = routes_.find(r.path);
    if (found == routes_.end()) return not_found();
    return found->second(r.what); // a handler that throws takes the gateway with it: see the supervisor
  }
  ok handle_call(add_route r) {
    routes_[r.path] = std::move(r.handle);
    return {};
  }
  ok handle_call(const remove_route& r) {
    routes_.erase(r.path);
    return {};
  }

private:
  std::map<std::string, handler> routes_{
      {"/hello", [](const request& r) { return "hello " + r.body; }},
      {"/length", [](const request& r) { return std::to_string(r.body.size()); }},
  };
};

class gateway_sup : public supervisor {
public:
  [[nodiscard]] std::vector<child_spec> children() const {
    return {child<api_gateway>("api_gateway", local("api_gateway"))};
  }
};

std::string show(const response& r) {
  const auto* text = std::get_if<std::string>(&r);
  return text == nullptr ? "not_found" : *text;
}

task<int> demo(self) {
  auto sup = co_await start_link<gateway_sup>();
  server_ref<api_gateway> gateway("api_gateway");
  request bob{"GET", "bob"};

  response hello = co_await call<route_request>(gateway, "/hello", bob);
  response nowhere = co_await call<route_request>(gateway, "/nowhere", bob);
  fmt::print("/hello -> {}, /nowhere -> {}\n", show(hello), show(nowhere));

  handler fail = [](const request&) -> std::string { throw std::runtime_error("backend is down"); };
  co_await call<add_route>(gateway, "/fail", fail);
  auto failed = co_await try_call<route_request>(gateway, "/fail", bob);
  fmt::print("/fail -> {}\n", failed ? show(*failed) : failed.error().to_string());

  co_await count_children(*sup); // answered when the gateway is back, with the routes that it starts with
  response again = co_await call<route_request>(gateway, "/hello", bob);
  response gone = co_await call<route_request>(gateway, "/fail", bob);
  fmt::print("after the crash: /hello -> {}, /fail -> {}\n", show(again), show(gone));
  co_return show(again) == "hello bob" && show(nowhere) == "not_found" && !failed && show(gone) == "not_found"
      ? 0
      : 1;
}

int main() {
  node n;
  return n.run(demo);
}

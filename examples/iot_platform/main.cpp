// An IoT platform: a process for each device, so that one device's trouble is its own.
#include <coppice/coppice.hpp>

#include <fmt/ranges.h>

#include <map>
#include <string>
#include <vector>

using namespace coppice;

struct reading {
  double value;
};
struct history {};

// One device: keeps what it was sent.
class device : public gen_server {
public:
  using protocol = coppice::protocol<casts<reading>, calls<history, std::vector<double>>>;
  explicit device(std::string id) : id_(std::move(id)) {}

  void handle_cast(reading r) {
    if (r.value < -273.15) throw std::out_of_range(id_ + ": colder than cold");
    readings_.push_back(r.value);
  }
  std::vector<double> handle_call(history) { return readings_; }

private:
  std::string id_;
  std::vector<double> readings_;
};

// As many devices as connect, all of one kind.
class device_sup : public supervisor {
public:
  [[nodiscard]] supervisor_flags flags() const {
    return {.strategy = strategy::simple_one_for_one, .intensity = 100};
  }
  [[nodiscard]] std::vector<child_spec> children() const {
    return {child_template<device, std::string>("device").temporary()};
  }
};

struct connect_device {
  std::string id;
};
struct send_data {
  std::string id;
  double value;
};
struct get_data {
  std::string id;
};

// The registry: which device is which process. A device that died is connected anew when it speaks again.
class iot_platform : public gen_server {
public:
  using protocol = coppice::protocol<calls<connect_device, pid>, calls<send_data, ok>,
                                     calls<get_data, std::vector<double>>>;

  task<pid> handle_call(connect_device c) {
    auto found = devices_.find(c.id);
    if (found != devices_.end() && is_process_alive(found->second)) co_return found->second;
    auto started = co_await start_child("device_sup", c.id);
    if (!started) exit(exit_reason(term("device_sup refused")));
    devices_[c.id] = *started;
    co_return *started;
  }
  task<ok> handle_call(send_data d) {
    pid to = co_await handle_call(connect_device(d.id));
    cast<reading>(server_ref<device>(to), d.value);
    co_return ok();
  }
  task<std::vector<double>> handle_call(get_data g) {
    pid to = co_await handle_call(connect_device(g.id));
    auto readings = co_await try_call<history>(server_ref<device>(to));
    co_return readings.value_or(std::vector<double>());
  }

private:
  std::map<std::string, pid> devices_;
};

class iot_sup : public supervisor {
public:
  [[nodiscard]] std::vector<child_spec> children() const {
    return {child<device_sup>("device_sup", local("device_sup")),
            child<iot_platform>("iot_platform", local("iot_platform"))};
  }
};

task<int> demo(self me) {
  co_await start_link<iot_sup>();
  server_ref<iot_platform> platform("iot_platform");
  pid cellar = co_await call<connect_device>(platform, "cellar");
  co_await call<send_data>(platform, "cellar", 12.5);
  co_await call<send_data>(platform, "roof", 31.0);
  co_await call<send_data>(platform, "cellar", 12.75);
  auto before = co_await call<get_data>(platform, "cellar");
  fmt::print("cellar {}\n", before);

  monitor(cellar);
  co_await call<send_data>(platform, "cellar", -300.0);
  down gone = co_await me.receive<down>();
  fmt::print("the device crashed: {}\n", gone.reason.to_string());

  co_await call<send_data>(platform, "cellar", 13.0); // connects it anew
  auto after = co_await call<get_data>(platform, "cellar");
  auto roof = co_await call<get_data>(platform, "roof");
  fmt::print("cellar {}, roof {}\n", after, roof);
  co_return before.size() == 2 && after.size() == 1 && roof.size() == 1 ? 0 : 1;
}

int main() {
  node n;
  return n.run(demo);
}

// docs/gen_event.md
#include "coppice/otp/gen_event.hpp"

using namespace coppice;

struct disk_full {
  std::string path;
};
struct count {};

class alarm_log : public coppice::event_handler {
public:
  using protocol = coppice::protocol<coppice::events<disk_full>, coppice::calls<count, int>>;
  void handle_event(const disk_full&) { ++seen_; }
  int handle_call(count) const { return seen_; }

private:
  int seen_ = 0;
};

task<> use() {
  auto manager = co_await start_link<gen_event>(local("alarms"));
  auto log = co_await add_handler<alarm_log>(*manager); // std::expected<handler_ref<alarm_log>, exit_reason>
  notify<disk_full>(*manager, "/var");                  // one message, whatever the number of handlers
  co_await sync_notify<disk_full>(*manager, "/var");    // waits until all have handled it
  int n = co_await call<count>(*log);
}

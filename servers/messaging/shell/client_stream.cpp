#include "servers/messaging/shell/client_stream.hpp"

#include "coppice/runtime/blocking.hpp"
#include "coppice/runtime/node.hpp"
#include "coppice/runtime/report.hpp"
#include "coppice/runtime/timer.hpp"
#include "servers/messaging/core/discovery.hpp"
#include "servers/messaging/shell/user.hpp"
#include "servers/messaging/storage/accounts.hpp"
#include "servers/xmpp/namespaces.hpp"
#include "servers/xmpp/stream_management.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace coppice::messaging {
namespace {

using namespace std::chrono_literals;
using namespace xmpp; // NOLINT(google-build-using-namespace)

constexpr duration short_wait = 100ms;
constexpr std::uint32_t most_messages = 16'384;

/// A proxy on this machine, with all the clients that come by it.
bool is_proxy(framing frames, std::string_view peer) {
  return frames == framing::websocket && (peer.starts_with("127.") || peer.starts_with("[::1]"));
}

/// What a stream offers to a user who is known.
std::vector<xml::element> offered_features(bool registers) {
  std::vector<xml::element> all;
  all.emplace_back(ns::stream_management, "sm");
  all.emplace_back(ns::client_state, "csi");
  all.emplace_back(ns::roster_versioning, "ver");
  all.emplace_back(ns::subscription_approval, "sub");
  all.push_back(server_caps(registers));
  return all;
}

} // namespace

client_stream::client_stream(host h, self process, framing frames, std::string peer)
    : host_(std::move(h)), me_(process), frames_(frames),
      counted_(host_.counted(), frames == framing::tcp ? transport::tcp : transport::websocket),
      peer_(std::move(peer)), throttled_(is_proxy(frames, peer_) ? "" : throttled_address(peer_)),
      traffic_(host_.addresses(), throttled_, host_.how().traffic.address_connections) {}

void client_stream::start() {
  set_label("stream:?");
  set_mailbox_limit(most_messages, overflow::kill);
  send_after(host_.how().negotiation_time, me_, negotiation_timeout());
}

void client_stream::begin(bool secure, std::vector<channel_binding> bindings) {
  negotiation_options o;
  o.frames = frames_;
  o.domains = {host_.domain()};
  o.secure = secure;
  o.offers_tls = !secure;
  o.bindings = std::move(bindings);
  o.features = offered_features(host_.how().registration.is_there());
  o.offers_registration = secure && host_.how().registration.open;
  o.mechanisms = host_.how().mechanisms;
  o.decoy_secret = host_.secret();
  o.decoy_iterations = host_.how().iterations;
  o.unique = &unguessable;
  negotiation_.emplace(std::move(o));
}

void client_stream::secured(std::vector<channel_binding> bindings) { begin(true, std::move(bindings)); }
void client_stream::unsecured() { begin(false, {}); }

// --- what the client sends ---

task<client_stream::action> client_stream::opened(xml::stream_opened head) {
  if (over_) co_return action::close;
  if (!negotiation_) co_return end("bad-format", "The stream is open already.");
  negotiation_step step = negotiation_->opened(head);
  co_return co_await act(std::move(step));
}

task<client_stream::action> client_stream::received(xml::element e) {
  if (over_) co_return action::close;
  if (negotiation_) {
    const int failures = negotiation_->failures();
    negotiation_step step = negotiation_->received(std::move(e));
    if (negotiation_->failures() > failures) note_failure();
    co_return co_await act(std::move(step));
  }
  if (frames_ == framing::websocket && e.is(ns::framing, "close")) co_return co_await closed();
  host_.counted().received.at(static_cast<std::size_t>(kind_of(e))).add();
  from_client next{session_, ++number_, std::make_shared<const xml::element>(std::move(e))};
  waiting_.push_back(next);
  cast<from_client>(server_ref<user>(server_name(user_process_)), std::move(next));
  co_return action::read_on;
}

task<client_stream::action> client_stream::closed() {
  if (over_) co_return action::close;
  over_ = true;
  if (session_ != 0) {
    cast<stream_over>(server_ref<user>(server_name(user_process_)), me_.id(), session_, true);
  }
  output_.emplace_back(closing(frames_));
  co_return action::close;
}

client_stream::action client_stream::broken(const xml::stream_error& why) {
  if (over_) return action::close;
  if (!negotiation_) return end(why.condition, why.text);
  host_.counted().stream_errors.add();
  negotiation_step step = negotiation_->failed(why.condition, why.text);
  put(step);
  over_ = true;
  return action::close;
}

client_stream::action client_stream::end(std::string_view condition, std::string_view text) {
  if (over_) return action::close;
  over_ = true;
  if (!condition.empty()) {
    host_.counted().stream_errors.add();
    output_.push_back(framed(frames_, stream_error_element(condition, text)));
  }
  output_.emplace_back(closing(frames_));
  return action::close;
}

void client_stream::lost() {
  if (session_ == 0 || over_) return;
  over_ = true;
  cast<stream_over>(server_ref<user>(server_name(user_process_)), me_.id(), session_, false);
}

void client_stream::took_bytes(std::size_t bytes) {
  host_.counted().bytes_received.add(bytes);
  const duration wait = traffic_.pay(bytes, coppice::now(), host_.how().traffic);
  if (wait <= duration::zero() || std::exchange(paused_, true)) return;
  host_.counted().shaped.add();
  send_after(wait, me_, pause_over());
}

client_stream::action client_stream::turn_away() {
  host_.counted().refused.add();
  return broken({"policy-violation", "There are too many connections from your address."});
}

/// The server stops: the client may go elsewhere, or resume here when it is back.
client_stream::action client_stream::drain() {
  if (negotiation_) return broken({"system-shutdown", "The server is stopping."});
  lost();
  over_ = true;
  const drain_settings& elsewhere = host_.how().drain;
  if (frames_ == framing::tcp && !elsewhere.see_other_host.empty()) {
    output_.push_back(framed(frames_, see_other_host(elsewhere.see_other_host)));
  } else {
    output_.push_back(framed(frames_, stream_error_element("system-shutdown", "The server is stopping.")));
  }
  const bool has_uri = frames_ == framing::websocket && !elsewhere.see_other_uri.empty();
  output_.push_back(has_uri ? closing_elsewhere(elsewhere.see_other_uri) : std::string(closing(frames_)));
  return action::close;
}

void client_stream::wrote(std::size_t bytes) {
  host_.counted().bytes_sent.add(bytes);
  if (session_ == 0 || bytes == 0) return;
  cast<stream_wrote>(server_ref<user>(server_name(user_process_)), session_, std::uint64_t{bytes});
}

// --- negotiating ---

void client_stream::put(negotiation_step& step) {
  if (!step.write.empty()) output_.push_back(std::move(step.write));
  for (std::string& message : step.more) output_.push_back(std::move(message));
}

task<client_stream::action> client_stream::act(negotiation_step step) {
  put(step);
  using wanted = negotiation_step::action;
  switch (step.next) {
  case wanted::read_on: co_return action::read_on;
  case wanted::start_tls: co_return action::start_tls;
  case wanted::restart: co_return action::restart;
  case wanted::find_user: co_return co_await find_user();
  case wanted::check_password: co_return co_await check_password(std::move(step.password));
  case wanted::bind: co_return co_await bind(std::move(step.request));
  case wanted::resume: co_return co_await resume(std::move(step.request));
  case wanted::registration: co_return co_await answer_registration(std::move(step.request));
  case wanted::close: break;
  }
  over_ = true;
  co_return action::close;
}

// --- binding ---

task<client_stream::action> client_stream::bind(xml::element request) {
  user_ = negotiation_->user();
  std::optional<pid> there = co_await find_user_process(user_);
  std::expected<std::expected<session_opened, stanza_error>, exit_reason> opened =
      std::unexpected(exit_reason::normal());
  if (there) {
    open_session ask{me_.id(), request.child(ns::bind, "bind")->text_of("resource").value_or(""), frames_};
    const server_ref<user> ref{server_name(*there)};
    auto answer = co_await try_call<open_session>(ref, moved(ask));
    opened = std::move(answer);
  }
  if (!opened) {
    const stanza_error busy{condition::resource_constraint, "Try again.", "wait"};
    output_.push_back(framed(frames_, error_reply(request, busy)));
    co_return end("internal-server-error", "");
  }
  if (!*opened) {
    output_.push_back(framed(frames_, error_reply(request, opened->error())));
    co_return end("policy-violation", opened->error().text);
  }
  const session_opened& made = **opened;
  xml::element bound(ns::bind, "bind");
  bound.add(xml::element(ns::bind, "jid").add_text(made.address.text()));
  output_.push_back(framed(frames_, result_reply(request).add(std::move(bound))));
  bound_to(*there, made);
  host_.counted().sign_ins.add();
  note_sign_in("sign_in", made.address.text());
  co_return action::read_on;
}

void client_stream::bound_to(pid process, const session_opened& made) {
  negotiation_.reset();
  user_process_ = process;
  user_monitor_ = monitor(process);
  session_ = made.session;
  set_label("stream:" + made.address.text());
}

task<client_stream::action> client_stream::resume(xml::element request) {
  user_ = negotiation_->user();
  std::optional<pid> there = co_await find_user_process(user_);
  std::expected<std::expected<session_opened, condition>, exit_reason> resumed =
      std::unexpected(exit_reason::normal());
  const auto wish = parse_resume(request);
  if (there && wish) {
    resume_session ask{me_.id(), wish->previous, wish->h, frames_};
    const server_ref<user> ref{server_name(*there)};
    auto answer = co_await try_call<resume_session>(ref, moved(ask));
    resumed = std::move(answer);
  }
  if (!resumed || !*resumed) {
    condition why = condition::internal_server_error;
    if (!wish) why = wish.error();
    if (resumed) why = resumed->error();
    negotiation_step step = negotiation_->not_resumed(make_failed(why));
    co_return co_await act(std::move(step));
  }
  bound_to(*there, **resumed); // what is to be said comes from the user's process
  host_.counted().resumptions.add();
  note_sign_in("resumption", (*resumed)->address.text());
  co_return action::read_on;
}

// --- what the user's process says ---

void client_stream::take_credit(std::uint64_t number) {
  while (!waiting_.empty() && waiting_.front().number <= number) waiting_.pop_front();
}

task<client_stream::action> client_stream::take_news(stream_news news) {
  if (over_) co_return action::close;
  if (auto* write = std::get_if<to_client>(&news)) {
    host_.counted().sent.add(std::max<std::size_t>(1, write->ends.size()));
    if (write->ends.empty()) {
      output_.push_back(std::move(write->text));
    } else {
      std::size_t from = 0;
      for (const std::size_t to : write->ends) {
        output_.push_back(write->text.substr(from, to - from));
        from = to;
      }
    }
    co_return action::read_on;
  }
  if (auto* took = std::get_if<took_from_client>(&news)) {
    take_credit(took->number);
  } else if (auto* last = std::get_if<end_stream>(&news)) {
    co_return end(last->condition, last->text);
  } else if (auto* ended = std::get_if<down>(&news)) {
    if (ended->ref == user_monitor_) co_return co_await attach();
  } else if (std::holds_alternative<look_again>(news)) {
    co_return co_await attach();
  } else if (std::holds_alternative<net::drain>(news)) {
    co_return drain();
  } else if (std::holds_alternative<pause_over>(news)) {
    paused_ = false;
  } else if (std::holds_alternative<negotiation_timeout>(news) && negotiation_) {
    const xml::stream_error slow{"connection-timeout", "This took too long."};
    co_return broken(slow);
  }
  co_return action::read_on;
}

/// The user's process was started anew: what it had not handled goes to the new one.
task<client_stream::action> client_stream::attach() {
  std::optional<pid> there = co_await find_user_process(user_);
  std::expected<std::optional<stream_attached>, exit_reason> attached =
      std::unexpected(exit_reason::normal());
  if (there) {
    const server_ref<user> ref{server_name(*there)};
    auto answer = co_await try_call<attach_stream>(ref, me_.id(), session_);
    attached = answer;
  }
  if (!attached) {
    send_after(short_wait, me_, look_again());
    co_return action::read_on;
  }
  if (!*attached) {
    session_ = 0;
    co_return end("reset", "The session is lost.");
  }
  user_process_ = *there;
  user_monitor_ = monitor(*there);
  take_credit((*attached)->taken);
  for (const from_client& again : waiting_) {
    cast<from_client>(server_ref<user>(server_name(user_process_)), from_client(again));
  }
  co_return action::read_on;
}

} // namespace coppice::messaging

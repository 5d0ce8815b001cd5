#include "coppice/dist/epmd_client.hpp"

#include "coppice/runtime/node.hpp"

#include <algorithm>
#include <utility>

namespace coppice::dist {
namespace {

using reason = epmd_error::reason;

/// A machine has some hundred nodes, each a line of less than 300 bytes.
constexpr std::size_t most_of_an_answer = std::size_t{1} << 20;

/// One question, and its answer as it comes in.
class question {
public:
  question(net::endpoint mapper, duration timeout) : mapper_(mapper), until_(now() + timeout) {}

  task<std::expected<void, epmd_error>> ask(epmd_request request) {
    auto connected = co_await net::connect(mapper_, left());
    if (!connected) co_return fail(reason::unreachable, connected.error().message());
    socket_ = std::move(*connected);
    const std::string bytes = to_bytes(request);
    net::io_result sent = co_await socket_.write_all(bytes, left());
    if (!sent) co_return fail(reason::unreachable, sent.error().message());
    co_return std::expected<void, epmd_error>();
  }

  /// Reads on; false at the end.
  task<std::expected<bool, epmd_error>> more() {
    char buffer[4096];
    net::io_result n = co_await socket_.read_some(buffer, left());
    if (!n) co_return fail(reason::unreachable, n.error().message());
    if (answer.size() + *n > most_of_an_answer) co_return fail(reason::nonsense, "the answer is too long");
    answer.append(buffer, *n);
    co_return *n != 0;
  }

  [[nodiscard]] std::unexpected<epmd_error> fail(reason why, const std::string& what) const {
    return std::unexpected(epmd_error{why, "epmd at " + mapper_.to_string() + ": " + what});
  }
  net::tcp_socket release() { return std::move(socket_); }

  std::string answer;

private:
  [[nodiscard]] duration left() const { return std::max(until_ - now(), duration(0)); }

  net::endpoint mapper_;
  time_point until_;
  net::tcp_socket socket_;
};

} // namespace

task<std::expected<epmd_registration, epmd_error>> epmd_register(net::endpoint mapper, epmd_entry entry,
                                                                 duration timeout) {
  question q(mapper, timeout);
  const std::string name = entry.name;
  epmd_request request = epmd_alive{std::move(entry)};
  auto asked = co_await q.ask(std::move(request));
  if (!asked) co_return std::unexpected(std::move(asked.error()));
  for (;;) {
    const alive_result result = parse_alive_answer(q.answer);
    if (result.state == answer_state::wrong)
      co_return q.fail(reason::nonsense, "that is no answer to ALIVE2");
    if (result.state == answer_state::complete && !result.creation) {
      co_return q.fail(reason::name_taken, "there is a node " + name + " already");
    }
    if (result.state == answer_state::complete) {
      co_return epmd_registration{q.release(), *result.creation};
    }
    auto more = co_await q.more();
    if (!more) co_return std::unexpected(std::move(more.error()));
    if (!*more) co_return q.fail(reason::nonsense, "it ended without an answer");
  }
}

task<std::expected<std::optional<epmd_entry>, epmd_error>> epmd_lookup(net::endpoint mapper, std::string name,
                                                                       duration timeout) {
  question q(mapper, timeout);
  epmd_request request = epmd_port_please{std::move(name)};
  auto asked = co_await q.ask(std::move(request));
  if (!asked) co_return std::unexpected(std::move(asked.error()));
  for (;;) {
    port_result result = parse_port_answer(q.answer);
    if (result.state == answer_state::wrong) co_return q.fail(reason::nonsense, "that is no answer to PORT2");
    if (result.state == answer_state::complete) co_return std::move(result.entry);
    auto more = co_await q.more();
    if (!more) co_return std::unexpected(std::move(more.error()));
    if (!*more) co_return q.fail(reason::nonsense, "it ended without an answer");
  }
}

task<std::expected<std::vector<named_port>, epmd_error>> epmd_list(net::endpoint mapper, duration timeout) {
  question q(mapper, timeout);
  epmd_request request = epmd_names{};
  auto asked = co_await q.ask(std::move(request));
  if (!asked) co_return std::unexpected(std::move(asked.error()));
  for (bool going_on = true; going_on;) {
    auto more = co_await q.more();
    if (!more) co_return std::unexpected(std::move(more.error()));
    going_on = *more;
  }
  auto names = parse_names_answer(q.answer);
  if (!names) co_return q.fail(reason::nonsense, "that is no answer to NAMES");
  co_return std::move(*names);
}

} // namespace coppice::dist

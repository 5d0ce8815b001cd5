#include "coppice/dist/epmd_server.hpp"

#include "coppice/runtime/node.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <utility>

namespace coppice::dist {
namespace detail {

/// The nodes that are listed. An entry belongs to the frame of its connection: whatever ends that takes it
/// out.
class epmd_registry {
public:
  explicit epmd_registry(std::size_t limit) : limit_(limit) {}

  /// Takes an entry out when it goes.
  class listing {
  public:
    listing(std::shared_ptr<epmd_registry> in, std::string name)
        : in_(std::move(in)), name_(std::move(name)) {}
    ~listing() {
      const std::lock_guard guard(in_->lock_);
      in_->entries_.erase(name_);
    }
    listing(const listing&) = delete;
    listing& operator=(const listing&) = delete;

  private:
    std::shared_ptr<epmd_registry> in_;
    std::string name_;
  };

  /// Null if the name is taken, or there is no room.
  static std::unique_ptr<listing> enter(const std::shared_ptr<epmd_registry>& in, const epmd_entry& entry) {
    const std::lock_guard guard(in->lock_);
    if (in->entries_.size() >= in->limit_ || !in->entries_.emplace(entry.name, entry).second) return nullptr;
    return std::make_unique<listing>(in, entry.name);
  }
  std::optional<epmd_entry> find(const std::string& name) {
    const std::lock_guard guard(lock_);
    const auto found = entries_.find(name);
    if (found == entries_.end()) return {};
    return found->second;
  }
  std::vector<epmd_entry> all() {
    const std::lock_guard guard(lock_);
    std::vector<epmd_entry> entries;
    entries.reserve(entries_.size());
    for (const auto& [name, entry] : entries_) entries.push_back(entry);
    return entries;
  }

private:
  std::size_t limit_;
  std::mutex lock_;
  std::map<std::string, epmd_entry> entries_;
};

} // namespace detail

namespace {

using registry = std::shared_ptr<detail::epmd_registry>;

/// 0 is nobody's, 1 to 3 were those of old.
std::uint32_t new_creation() {
  std::random_device random;
  return std::uniform_int_distribution<std::uint32_t>(4)(random);
}

/// A request without its length; empty when none came whole and in time.
task<std::string> read_request(net::stream* connection, duration timeout) {
  constexpr std::size_t length_size = 2;
  const time_point until = now() + timeout;
  std::string bytes;
  std::size_t whole = length_size;
  while (bytes.size() < whole) {
    char buffer[length_size + epmd_max_request];
    const std::span<char> room(buffer, whole - bytes.size());
    net::io_result n = co_await connection->read_some(room, std::max(until - now(), duration(0)));
    if (!n || *n == 0) co_return std::string();
    bytes.append(buffer, *n);
    if (bytes.size() == length_size) {
      whole += std::size_t{static_cast<std::uint8_t>(bytes[0])} << 8 | static_cast<std::uint8_t>(bytes[1]);
      if (whole > length_size + epmd_max_request) co_return std::string();
    }
  }
  co_return bytes.substr(length_size);
}

/// The node is listed until it ends the connection.
task<> keep_listed(net::stream* connection, registry entries, epmd_entry entry, duration timeout) {
  const std::unique_ptr<detail::epmd_registry::listing> listed = detail::epmd_registry::enter(entries, entry);
  std::optional<std::uint32_t> creation;
  if (listed) creation = new_creation();
  const std::string answer = alive_answer(creation, entry.highest);
  net::io_result sent = co_await connection->write_all(answer, timeout);
  while (listed && sent) {
    char ignored[64];
    net::io_result n = co_await connection->read_some(ignored);
    if (!n || *n == 0) break;
  }
}

task<> serve(net::stream connection, registry entries, duration timeout) {
  const std::string body = co_await read_request(&connection, timeout);
  auto request = parse_epmd_request(body);
  if (!request) co_return;
  if (const auto* alive = std::get_if<epmd_alive>(&*request)) {
    co_await keep_listed(&connection, entries, alive->entry, timeout);
    co_return;
  }
  std::string answer;
  if (const auto* wanted = std::get_if<epmd_port_please>(&*request)) {
    answer = port_answer(entries->find(wanted->name));
  } else if (auto here = connection.local(); here) {
    answer = names_answer(here->port(), entries->all());
  }
  co_await connection.write_all(answer, timeout);
  connection.close(); // who asks reads to the end
}

} // namespace

std::expected<net::listener, std::error_code> start_epmd_server(const epmd_server_options& options) {
  auto entries = std::make_shared<detail::epmd_registry>(options.max_nodes);
  const net::listener_options how{.endpoint = options.endpoint,
                                  .acceptors = 1,
                                  .max_connections = options.max_connections,
                                  .drain_timeout = duration(0),
                                  .label = "epmd connection"};
  return net::start_listener(how, [entries, timeout = options.request_timeout](self, net::stream connection) {
    return serve(std::move(connection), entries, timeout);
  });
}

} // namespace coppice::dist

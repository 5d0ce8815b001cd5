// How a server is named and found: by pid, by a registered name, or through another registry.
#pragma once

#include "coppice/runtime/api.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace coppice {

/// A process registry of the user's own (OTP: the module of `{via, Module, Name}`). Must outlive its users;
/// called inside processes, thread-safe.
class via_registry {
public:
  virtual ~via_registry() = default;
  /// False if the name is taken.
  virtual bool register_name(const term& name, pid process) = 0;
  /// After a start that failed. Whoever ends with a name is the registry's to notice, by a monitor.
  virtual void unregister_name(const term& name) = 0;
  /// The process of that name now, or nothing.
  [[nodiscard]] virtual std::optional<pid> whereis_name(const term& name) = 0;
};

/// `{via, Module, Name}`
struct via {
  /// The registry must outlive it and all that is made of it.
  via(via_registry& r, term n) : registry(&r), name(std::move(n)) {}
  via_registry* registry; ///< whom to ask; not owned
  term name;              ///< any term that the registry takes
};

/// Where a request goes, or the name under which a server starts (OTP: `server_ref()` and `server_name()`).
/// A name is looked up anew at each use, so it finds a server again after a restart.
class server_name {
public:
  server_name() = default; ///< no name: requests fail with `noproc`, nothing is registered
  /// @{
  /// From whatever names a process.
  server_name(pid process) : target_(process) {}              // NOLINT(google-explicit-constructor)
  server_name(atom name) : target_(std::move(name)) {}        // NOLINT(google-explicit-constructor)
  server_name(std::string_view name) : target_(atom(name)) {} // NOLINT(google-explicit-constructor)
  server_name(const char* name) : server_name(std::string_view(name)) {} // NOLINT
  server_name(via name) : target_(std::move(name)) {}               // NOLINT(google-explicit-constructor)
  server_name(remote_name process) : target_(std::move(process)) {} // NOLINT(google-explicit-constructor)
  /// @}

  /// The process of that name now, or nothing. A pid is itself, dead or alive; a name on another node is what
  /// stands for it.
  [[nodiscard]] std::optional<pid> resolve() const;
  /// Registers `process` under the name: nothing, or who has it already. A pid, no name or one of another
  /// node registers nothing.
  [[nodiscard]] std::optional<pid> claim(pid process) const;
  /// Takes the name away again; a pid or no name is left alone.
  void give_up() const;
  /// Whether there is a name (or pid) at all.
  [[nodiscard]] bool empty() const noexcept { return std::holds_alternative<std::monostate>(target_); }
  /// As Erlang would write it.
  [[nodiscard]] term as_term() const;

private:
  std::variant<std::monostate, pid, atom, via, remote_name> target_;
};

/// The name under which a server starts (OTP: `{local, Name}`): `start_link<S>(local("chat"), ...)`.
class local {
public:
  /// @{
  /// A name as `register_name` takes it; not yet registered.
  explicit local(std::string_view name) : name_(atom(name)) {}
  explicit local(atom name) : name_(std::move(name)) {}
  /// @}
  /// For where any `server_name` may stand.
  operator server_name() const { return server_name(name_); } // NOLINT(google-explicit-constructor)

private:
  atom name_;
};

} // namespace coppice

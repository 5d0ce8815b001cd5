// Who may administer the running server: whoever can read two files in its folder. One is a token that the
// server makes at its first start, the other says where it listens, and is locked while it runs.
#pragma once

#include <expected>
#include <optional>
#include <string>

namespace coppice::messaging {

/// Of the server, for as long as it runs.
class admin_access {
public:
  /// Makes the folder and the token if they are not there, and takes the lock. Errors: a file cannot be
  /// written; another server runs with that folder.
  static std::expected<admin_access, std::string> open(const std::string& folder);
  admin_access(admin_access&& other) noexcept;
  admin_access& operator=(admin_access&& other) noexcept;
  ~admin_access();

  /// What administrators have to show.
  [[nodiscard]] const std::string& token() const noexcept { return token_; }
  /// Writes down where it listens: `http://127.0.0.1:4100`. False: that cannot be written.
  bool announce(const std::string& url) const;

private:
  admin_access(int file, std::string token) noexcept : file_(file), token_(std::move(token)) {}
  int file_ = -1;
  std::string token_;
};

/// A server that runs, as a program beside it finds it.
struct running_server {
  std::string url; ///< `http://127.0.0.1:4100`
  std::string token;
};
/// Nothing: none runs with that folder, or it is just starting. The error names the file that cannot be read.
std::expected<std::optional<running_server>, std::string> find_running_server(const std::string& folder);

} // namespace coppice::messaging

// A name for a node that lives as long as one command.
#pragma once

#include <string>

namespace coppice::cli {

/// `cli-0@127.0.0.1`, `cli-1@127.0.0.1`...: the first that no other command on this machine has now. Every
/// node remembers the names of all that have ever connected with it, so they had better come back.
class passing_name {
public:
  passing_name();
  ~passing_name();
  passing_name(const passing_name&) = delete;
  passing_name& operator=(const passing_name&) = delete;

  [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
  std::string text_;
  int held_ = -1; ///< a socket that nobody connects to: its address is taken while we run
};

} // namespace coppice::cli

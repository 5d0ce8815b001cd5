// A program that answers each line with a line.
#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

namespace coppice::partition {

/// Talks over its standard input and output; ended with this object. What goes wrong is thrown as a
/// std::runtime_error with all that is known of it.
class talker {
public:
  /// `name` is for what is reported.
  talker(std::string name, std::vector<std::string> command);
  ~talker();
  talker(const talker&) = delete;
  talker& operator=(const talker&) = delete;

  /// The next line that it prints, within a minute.
  std::string line();
  void say(const std::string& words);
  /// Says something, and gives the line that answers.
  std::string ask(const std::string& words) {
    say(words);
    return line();
  }

private:
  [[noreturn]] void gone(const char* what) const;

  std::string name_;
  std::string last_; ///< said to it
  std::string read_; ///< but not yet asked for
  int ends_ = -1;
  pid_t id_ = 0;
};

} // namespace coppice::partition

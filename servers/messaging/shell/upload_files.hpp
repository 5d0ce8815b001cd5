// The bytes of uploaded files on the disk. All of it blocks; none of it knows of processes.
#pragma once

#include <memory>
#include <string>

namespace coppice::messaging {

/// A file that is arriving. Unless it is kept it goes with this. One thread at a time.
class arriving_file {
public:
  /// Makes the folder if need be. Throws `std::runtime_error`, which names the place and the reason, as all
  /// members do.
  arriving_file(const std::string& folder, const std::string& id);
  ~arriving_file();
  arriving_file(const arriving_file&) = delete;
  arriving_file& operator=(const arriving_file&) = delete;

  void write(const std::string& piece);
  /// All of it is on the disk when this returns, under its id; before that there is no such file.
  void keep();

private:
  std::string folder_;
  std::string place_; ///< for good
  int fd_ = -1;       ///< -1: it is kept
};

/// Removes it, whole or in part, if it is there.
void remove_uploaded(const std::string& folder, const std::string& id);

} // namespace coppice::messaging

// A disk that fails now and then, as the seed wants it.
#pragma once

#include "coppice/store/database.hpp"
#include "coppice/store/detail/connection.hpp"

#include <cstdint>
#include <functional>
#include <memory>

namespace coppice::sim {

/// What a disk may do to a database.
enum class disk_fault : std::uint8_t {
  none,
  busy,        ///< the transaction cannot begin
  statement,   ///< a statement fails, and all of the transaction with it
  not_written, ///< the commit fails
  not_heard,   ///< the commit is made, and seems to have failed
};

/// Asked before each step of a transaction whether that goes wrong.
using disk = std::function<disk_fault(disk_fault possible)>;

/// For `database_options::around`.
std::unique_ptr<store::detail::connection> on_faulty_disk(std::unique_ptr<store::detail::connection> sound,
                                                          disk d);

} // namespace coppice::sim

// The reply that only says that it was done.
#pragma once

namespace coppice {

/// `ok`: for calls with nothing to tell. An empty struct is a bare atom on the wire.
struct ok {
  friend bool operator==(const ok&, const ok&) = default;
};

} // namespace coppice

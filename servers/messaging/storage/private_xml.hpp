// What clients keep for themselves. XEP-0049.
#pragma once

#include "coppice/store/transaction.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace coppice::messaging::storage {

/// The element of that name (namespace and local name, as its caller puts them together), as XML.
[[nodiscard]] std::optional<std::string> load_private_xml(store::transaction& t, std::string_view owner,
                                                          std::string_view name);
/// What one user may keep.
struct private_room {
  std::size_t elements = 100;
  std::uint64_t bytes = std::uint64_t{1} << 20U; ///< of all together
};
/// Puts it in the place of what there was. False: there is no room for it.
[[nodiscard]] bool save_private_xml(store::transaction& t, std::string_view owner, std::string_view name,
                                    std::string_view body, const private_room& most);
/// All of a user.
void remove_private_xml(store::transaction& t, std::string_view owner);

} // namespace coppice::messaging::storage

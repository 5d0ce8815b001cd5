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
/// Puts it in the place of what there was. False: the owner has `most` others already.
[[nodiscard]] bool save_private_xml(store::transaction& t, std::string_view owner, std::string_view name,
                                    std::string_view body, std::size_t most = 100);
/// All of a user.
void remove_private_xml(store::transaction& t, std::string_view owner);

} // namespace coppice::messaging::storage

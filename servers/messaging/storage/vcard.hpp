// Who users are. XEP-0054.
#pragma once

#include "coppice/store/transaction.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace coppice::messaging::storage {

/// As XML; nothing if there is none.
[[nodiscard]] std::optional<std::string> load_vcard(store::transaction& t, std::string_view owner);
/// Puts it in the place of what there was.
void save_vcard(store::transaction& t, std::string_view owner, std::string_view body);
void remove_vcard(store::transaction& t, std::string_view owner);

} // namespace coppice::messaging::storage

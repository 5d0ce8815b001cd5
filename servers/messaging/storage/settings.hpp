// The server's own small things: its secret, what it knows of its certificates.
#pragma once

#include "coppice/store/transaction.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace coppice::messaging::storage {

/// Bytes.
[[nodiscard]] std::optional<std::string> load_setting(store::transaction& t, std::string_view name);
void save_setting(store::transaction& t, std::string_view name, std::string_view value);
/// What there is; if there is nothing, `value` from now on. So that servers that start together agree.
[[nodiscard]] std::string load_or_save_setting(store::transaction& t, std::string_view name,
                                               std::string_view value);
void remove_setting(store::transaction& t, std::string_view name);

} // namespace coppice::messaging::storage

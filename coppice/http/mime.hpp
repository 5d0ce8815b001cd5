// Content types by file name.
#pragma once

#include <string_view>

namespace coppice::http {

/// The Content-Type for a file of that name, by its last extension without regard to case; text is UTF-8.
/// "application/octet-stream" for what is not known. A text that lives for ever.
std::string_view content_type(std::string_view file_name) noexcept;

} // namespace coppice::http

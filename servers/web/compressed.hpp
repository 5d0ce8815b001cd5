// Serving files that are in the program compressed: most clients take them as they are.
#pragma once

#include "coppice/http/request.hpp"
#include "servers/web/file.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace coppice::web {

/// Whether the request's sender takes gzip (RFC 9110 section 12.5.3): it or `*` is listed, and not with q=0.
bool accepts_gzip(const http::request_head& request);

/// What was compressed (RFC 1952); nothing if it is damaged, or larger than `most` bytes.
std::optional<std::string> inflate(std::string_view gzip, std::size_t most);

/// Answers GET and HEAD with that file, 304 if the client has it already. Linear in its size.
http::response serve(const http::request& r, const file& f);

} // namespace coppice::web

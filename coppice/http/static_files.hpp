// Serving files.
#pragma once

#include "coppice/http/request.hpp"

#include <string>

namespace coppice::http {

/// A directory to serve. GET and HEAD; ETag, Last-Modified, conditional and range requests (RFC 9110
/// sections 8.8, 13, 14); symbolic links that lead out of `root` are not followed; hidden names are not
/// found.
struct static_files {
  std::string root;                       ///< looked up at each request, from the working directory
  std::string index = "index.html";       ///< for paths that end in '/'; empty: those are not found
  std::string cache_control = "no-cache"; ///< empty: none. "no-cache" lets the browser ask if it has changed
  std::vector<std::pair<std::string, std::string>> headers = {}; ///< sent with every file
};

/// Answers with the file that `request::path_info` names. Reads on the pool for blocking work, a piece at a
/// time.
task<response> serve_file(request& r, const static_files& files);
/// The same with one file below `root`, wherever the request's path leads, as that media type.
task<response> serve_file_as(request& r, const static_files& files, std::string path, std::string type);

} // namespace coppice::http

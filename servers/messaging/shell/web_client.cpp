#include "servers/messaging/shell/web_client.hpp"

#include "servers/web/compressed.hpp"
#include "servers/xml/element.hpp"

#include <fmt/ranges.h>
#include <span>

namespace coppice::messaging {

// cmake/coppice_embed.cmake writes both.
std::span<const web::file> web_page_files();
std::span<const web::file> web_client_files();

namespace {

constexpr std::string_view no_page = "There is no such page.";

/// `'wasm-unsafe-eval'`: the curves of OMEMO are WebAssembly. Style: the client sets colours and sizes of
/// what it shows by attributes; of elements with style it has two, an empty one and one for its menus, which
/// are let in by their hashes.
std::string policy_of(const host& h) {
  const std::string url = h.uploads_url();
  const std::string files = url.empty() ? url : ' ' + url;
  return fmt::format("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' "
                     "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' "
                     "'sha256-JRf3eZJIF59VkE1tlxlBPiCQXjGJ1uE88pEYh49RtTY='; "
                     "style-src-attr 'unsafe-inline'; "
                     "img-src 'self' data: blob:{0}; media-src 'self' data: blob:{0}; font-src 'self'; "
                     "connect-src 'self'{0}; "
                     "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
                     files);
}

void put(std::string& page, std::string_view placeholder, std::string_view text) {
  std::string escaped;
  xml::append_escaped(escaped, text);
  const std::size_t at = page.find(placeholder);
  if (at != std::string::npos) page.replace(at, placeholder.size(), escaped);
}

http::response serve_page(const host& h, const web::file& page, std::string_view supervision) {
  std::string text(page.content);
  put(text, "__COPPICE_DOMAIN__", h.domain());
  put(text, "__COPPICE_ROOMS__", h.rooms_domain());
  put(text, "__COPPICE_FILES__", h.uploads_url());
  put(text, "__COPPICE_SUPERVISION__", supervision);
  http::response answer(http::status::ok, "text/html; charset=utf-8", std::move(text));
  answer.header("Content-Security-Policy", policy_of(h));
  return answer;
}

const web::file& find(std::span<const web::file> files, std::string_view name) {
  for (const web::file& one : files) {
    if (one.name == name) return one;
  }
  throw http::error(http::status::not_found, std::string(no_page));
}

} // namespace

void mount_web_client(http::routes& routes, const host& h, std::string supervision) {
  const auto page = [h, supervision = std::move(supervision)](http::request&) {
    return serve_page(h, find(web_page_files(), "index.html"), supervision);
  };
  routes.get("/messaging/", page)
      .get("/messaging/:file",
           [](http::request& r) { return web::serve(r, find(web_page_files(), *r.binding("file"))); })
      .get("/messaging/client/[...]", [](http::request& r) {
        return web::serve(r, find(web_client_files(), fmt::format("{}", fmt::join(r.path_info(), "/"))));
      });
}

} // namespace coppice::messaging

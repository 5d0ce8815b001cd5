#include "servers/web/compressed.hpp"

#include "coppice/http/conditional.hpp"
#include "coppice/http/fields.hpp"
#include "coppice/http/mime.hpp"

#include <zlib.h>

namespace coppice::web {
namespace {

constexpr std::size_t largest_file = std::size_t{64} << 20U;
constexpr int gzip_only = 15 + 16; // zlib: the largest window, behind a header of gzip

} // namespace

bool accepts_gzip(const http::request_head& request) {
  std::string_view rest = request.headers.get("Accept-Encoding").value_or("");
  bool accepts = false;
  for (std::string_view one; http::next_element(rest, one);) {
    const auto coding = http::parse_parameterised(one);
    if (!coding || (coding->value != "gzip" && coding->value != "*")) continue;
    const std::string_view weight = coding->get("q").value_or("1");
    const bool wanted = weight.find_first_not_of("0.") != std::string_view::npos;
    if (coding->value == "gzip") return wanted;
    accepts = wanted;
  }
  return accepts;
}

std::optional<std::string> inflate(std::string_view gzip, std::size_t most) {
  z_stream z{};
  if (inflateInit2(&z, gzip_only) != Z_OK) return std::nullopt;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast,cppcoreguidelines-pro-type-reinterpret-cast): zlib's
  // API
  z.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(gzip.data()));
  z.avail_in = static_cast<uInt>(gzip.size());
  std::string plain;
  int state = Z_OK;
  while (state == Z_OK && plain.size() <= most) {
    const std::size_t had = plain.size();
    plain.resize(had + (std::size_t{64} << 10U));
    z.next_out =
        reinterpret_cast<Bytef*>(plain.data() + had); // NOLINT(cppcoreguidelines-pro-type-reinterpret-cast)
    z.avail_out = static_cast<uInt>(plain.size() - had);
    state = ::inflate(&z, Z_NO_FLUSH);
    plain.resize(plain.size() - z.avail_out);
  }
  inflateEnd(&z);
  if (state != Z_STREAM_END || plain.size() > most) return std::nullopt;
  return plain;
}

http::response serve(const http::request& r, const file& f) {
  const bool packed = f.is_gzip && accepts_gzip(r.head());
  const bool unpacks = f.is_gzip && !packed;
  // Another tag for what is unpacked: it is not the same, byte for byte.
  const http::entity_tag tag{std::string(f.tag) + (unpacks ? "-plain" : "")};
  http::response answer(http::status::not_modified);
  if (http::check_preconditions(r.head(), {.etag = tag}) != http::precondition::not_modified) {
    std::optional<std::string> content = unpacks ? inflate(f.content, largest_file) : std::string(f.content);
    if (!content) throw http::error(http::status::internal_server_error);
    answer = http::response(http::status::ok, http::content_type(f.name), std::move(*content));
    if (packed) answer.header("Content-Encoding", "gzip");
  }
  answer.header("ETag", http::format_entity_tag(tag));
  if (f.is_gzip) answer.header("Vary", "Accept-Encoding");
  return answer;
}

} // namespace coppice::web

// What stands around a term in `term_to_binary` data: the version, and zlib.
#include <algorithm>
#include <fmt/core.h>
#include <memory>
#include <stdexcept>
#include <zlib.h>

#include "coppice/term/detail/external_tags.hpp"
#include "coppice/term/external.hpp"

namespace coppice {
namespace {

constexpr std::size_t version_size = 1;
constexpr std::size_t head_size = version_size + 1 + 4; // and the tag, and the size of what is packed

std::unexpected<external_error> wrong(std::size_t offset, std::string what) {
  return std::unexpected(external_error{offset, std::move(what)});
}

std::uint32_t declared_size(std::string_view bytes) noexcept {
  std::uint32_t size = 0;
  for (std::size_t i = 2; i < head_size; ++i) size = (size << 8) | static_cast<std::uint8_t>(bytes[i]);
  return size;
}

/// The size is a promise of the sender's: memory is taken as the data comes.
std::expected<std::string, external_error> inflate_all(std::string_view packed, std::size_t size) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) throw std::bad_alloc();
  const std::unique_ptr<z_stream, int (*)(z_streamp)> ended(&stream, inflateEnd);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string out;
  int state = Z_OK;
  while (state == Z_OK) {
    const std::size_t before = out.size();
    // One more than there should be: who sends more is found out.
    out.resize(std::min(size + 1, std::max<std::size_t>(2 * before, 64 << 10)));
    if (out.size() == before) return wrong(head_size, "it unfolds to more bytes than it says");
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + before);
    stream.avail_out = static_cast<uInt>(out.size() - before);
    state = inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
    if (state == Z_BUF_ERROR || (state == Z_OK && stream.avail_out != 0)) break; // it ends too early
  }
  if (state != Z_STREAM_END) {
    return wrong(head_size + packed.size() - stream.avail_in, "the compressed data is damaged");
  }
  if (out.size() != size) {
    return wrong(head_size,
                 fmt::format("it says that it unfolds to {} bytes, and these are {}", size, out.size()));
  }
  if (stream.avail_in != 0) {
    return wrong(head_size + packed.size() - stream.avail_in, "bytes are left after the term");
  }
  return out;
}

std::expected<term, external_error> whole_term(std::string_view bytes, std::size_t skip, node_names& nodes,
                                               const external_limits& limits) {
  std::string_view rest = bytes.substr(skip);
  auto read = take_external(rest, nodes, limits);
  if (!read) {
    read.error().offset += skip;
  } else if (!rest.empty()) {
    return wrong(bytes.size() - rest.size(), "bytes are left after the term");
  }
  return read;
}

} // namespace

std::expected<term, external_error> binary_to_term(std::string_view bytes, node_names& nodes,
                                                   const external_limits& limits) {
  if (bytes.empty() || static_cast<std::uint8_t>(bytes[0]) != detail::external_version) {
    return wrong(0, "expected the version, 131");
  }
  const bool packed =
      bytes.size() >= head_size &&
      static_cast<std::uint8_t>(bytes[1]) == static_cast<std::uint8_t>(detail::external_tag::compressed);
  if (!packed) return whole_term(bytes, version_size, nodes, limits);
  const std::uint32_t size = declared_size(bytes);
  if (size > limits.inflated || bytes.size() > UINT32_MAX) {
    return wrong(2, fmt::format("it unfolds to {} bytes, {} are allowed", size, limits.inflated));
  }
  auto inflated = inflate_all(bytes.substr(head_size), size);
  if (!inflated) return std::unexpected(std::move(inflated.error()));
  auto read = whole_term(*inflated, 0, nodes, limits);
  if (!read) read.error().what += " (in what was unfolded)";
  return read;
}

std::string term_to_compressed_binary(const term& value, const node_names& nodes, std::size_t most) {
  std::string plain = term_to_binary(value, nodes, most);
  const std::size_t size = plain.size() - version_size;
  if (size > UINT32_MAX) return plain;
  uLongf room = compressBound(static_cast<uLong>(size));
  std::string out(head_size + room, '\0');
  if (compress2(reinterpret_cast<Bytef*>(out.data() + head_size), &room,
                reinterpret_cast<const Bytef*>(plain.data() + version_size), static_cast<uLong>(size),
                Z_DEFAULT_COMPRESSION) != Z_OK) {
    throw std::bad_alloc();
  }
  if (head_size + room >= plain.size()) return plain;
  out.resize(head_size + room);
  out[0] = static_cast<char>(detail::external_version);
  out[1] = static_cast<char>(detail::external_tag::compressed);
  for (std::size_t i = 0; i < 4; ++i) out[2 + i] = static_cast<char>(size >> (8 * (3 - i)));
  return out;
}

} // namespace coppice

#include "servers/xmpp/pubsub/avatars.hpp"

#include "coppice/net/detail/base64.hpp"
#include "servers/xmpp/namespaces.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <utility>

namespace coppice::xmpp::pubsub {
namespace {

std::string sha1(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1) return "";
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < size; ++i) {
    text += digits[digest.at(i) >> 4U];
    text += digits[digest.at(i) & 15U];
  }
  return text;
}

/// Bytes written as base64, with any white space.
std::optional<std::string> bytes_of(std::string text) {
  std::erase_if(text, [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; });
  if (text.empty() || text.size() / 4 * 3 > most_avatar_bytes) return std::nullopt;
  return net::detail::from_base64(text);
}

/// What the bytes themselves say.
std::string_view type_of(std::string_view bytes) noexcept {
  using namespace std::string_view_literals;
  if (bytes.starts_with("\xff\xd8\xff"sv)) return "image/jpeg";
  if (bytes.starts_with("GIF8"sv)) return "image/gif";
  if (bytes.starts_with("RIFF"sv) && bytes.substr(0, 12).ends_with("WEBP"sv)) return "image/webp";
  return "image/png";
}

/// The description of the picture that is here, not elsewhere by a URL.
const xml::element* info_in(const xml::element& metadata) {
  for (const xml::element* info : metadata.children()) {
    if (info->is(ns::user_avatar_metadata, "info") && !info->find("url") && !info->get("id").empty())
      return info;
  }
  return nullptr;
}

void add_text(xml::element& parent, std::string_view name, std::string_view text) {
  xml::element e(parent.ns(), name);
  e.add_text(text);
  parent.add(std::move(e));
}

} // namespace

std::optional<avatar> avatar_of_items(const xml::element& metadata, const xml::element& data) {
  const xml::element* info = info_in(metadata);
  if (info == nullptr || !data.is(ns::user_avatar_data, "data")) return std::nullopt;
  auto bytes = bytes_of(data.text());
  if (!bytes || sha1(*bytes) != info->get("id")) return std::nullopt;
  avatar picture{.id = std::string(info->get("id")), .type = std::string(info->get("type"))};
  if (picture.type.empty()) picture.type = type_of(*bytes);
  picture.data = *std::move(bytes);
  return picture;
}

std::optional<avatar> avatar_of_vcard(const xml::element& vcard) {
  const xml::element* photo = vcard.child(ns::vcard, "PHOTO");
  const auto text = photo == nullptr ? std::nullopt : photo->text_of("BINVAL");
  auto bytes = text ? bytes_of(*text) : std::nullopt;
  if (!bytes) return std::nullopt;
  avatar picture{.id = sha1(*bytes), .type = photo->text_of("TYPE").value_or("")};
  if (picture.type.empty()) picture.type = type_of(*bytes);
  picture.data = *std::move(bytes);
  return picture;
}

xml::element avatar_data(const avatar& picture) {
  xml::element data(ns::user_avatar_data, "data");
  data.add_text(net::detail::to_base64(picture.data));
  return data;
}

xml::element avatar_metadata(const avatar& picture) {
  xml::element info(ns::user_avatar_metadata, "info");
  info.set("bytes", std::to_string(picture.data.size())).set("id", picture.id).set("type", picture.type);
  xml::element metadata(ns::user_avatar_metadata, "metadata");
  metadata.add(std::move(info));
  return metadata;
}

void set_photo(xml::element& vcard, const std::optional<avatar>& picture) {
  vcard.remove(ns::vcard, "PHOTO");
  if (!picture) return;
  xml::element photo(ns::vcard, "PHOTO");
  add_text(photo, "TYPE", picture->type);
  add_text(photo, "BINVAL", net::detail::to_base64(picture->data));
  vcard.add(std::move(photo));
}

std::string avatar_id(const xml::element& metadata) {
  const xml::element* info = info_in(metadata);
  return info == nullptr ? "" : std::string(info->get("id"));
}

void add_avatar_hash(xml::element& presence, std::string_view id) {
  if (id.empty() || presence.find("type")) return;
  const xml::element* update = presence.child(ns::vcard_update, "x");
  const xml::element* photo = update == nullptr ? nullptr : update->child("photo");
  if (photo != nullptr && photo->text().empty()) return;
  presence.remove(ns::vcard_update, "x");
  xml::element x(ns::vcard_update, "x");
  add_text(x, "photo", id);
  presence.add(std::move(x));
}

} // namespace coppice::xmpp::pubsub

#include "servers/xmpp/caps.hpp"

#include "coppice/net/detail/base64.hpp"
#include "servers/xmpp/namespaces.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace coppice::xmpp {
namespace {

/// What is hashed; `sound` is lost if anything in it could be read in two ways.
struct hashed_text {
  std::string text;
  bool sound = true;

  void add(std::string_view part) {
    sound = sound && !part.contains('<');
    text += part;
    text += '<';
  }
};

template <class T>
bool has_doubles(const std::vector<T>& sorted) {
  return std::ranges::adjacent_find(sorted) != sorted.end();
}

void add_identities(hashed_text& out, const disco_info& info) {
  using parts = std::array<std::string_view, 4>; // in the order by which they are sorted
  std::vector<parts> all;
  all.reserve(info.identities.size());
  for (const disco_identity& i : info.identities) all.push_back({i.category, i.type, i.lang, i.name});
  std::ranges::sort(all);
  out.sound = out.sound && !has_doubles(all);
  for (const parts& i : all) {
    std::string one(i[0]);
    for (std::size_t part = 1; part < i.size(); ++part) (one += '/') += i.at(part);
    out.add(one);
  }
}

void add_features(hashed_text& out, const disco_info& info) {
  std::vector<std::string> all = info.features;
  std::ranges::sort(all);
  out.sound = out.sound && !has_doubles(all);
  for (const std::string& one : all) out.add(one);
}

void add_form(hashed_text& out, const data_form& form) {
  out.add(form.form_type());
  std::vector<const form_field*> fields;
  for (const form_field& field : form.fields) {
    if (field.var != "FORM_TYPE") fields.push_back(&field);
  }
  std::ranges::sort(fields, {}, &form_field::var);
  for (const form_field* field : fields) {
    out.add(field->var);
    std::vector<std::string> values = field->values;
    std::ranges::sort(values);
    for (const std::string& value : values) out.add(value);
  }
}

void add_forms(hashed_text& out, const disco_info& info) {
  std::vector<const data_form*> forms;
  std::vector<std::string_view> types;
  for (const data_form& form : info.forms) {
    const form_field* type = form.find("FORM_TYPE");
    if (type == nullptr || type->type != field_type::hidden) continue;
    out.sound = out.sound && std::ranges::all_of(type->values, [type](const std::string& value) {
                  return value == type->value();
                });
    forms.push_back(&form);
    types.push_back(type->value());
  }
  std::ranges::sort(forms, {}, &data_form::form_type);
  std::ranges::sort(types);
  out.sound = out.sound && !has_doubles(types);
  for (const data_form* form : forms) add_form(out, *form);
}

const EVP_MD* function_of(std::string_view hash) noexcept {
  if (hash == "sha-1") return EVP_sha1();
  return hash == "sha-256" ? EVP_sha256() : nullptr;
}

} // namespace

std::optional<entity_caps> parse_caps(const xml::element& presence) {
  const xml::element* c = presence.child(ns::caps, "c");
  if (c == nullptr) return std::nullopt;
  entity_caps caps{.node = std::string(c->get("node")),
                   .ver = std::string(c->get("ver")),
                   .hash = std::string(c->get("hash"))};
  if (caps.node.empty() || caps.ver.empty() || caps.hash.empty()) return std::nullopt;
  return caps;
}

std::optional<std::string> verification_string(const disco_info& info, std::string_view hash) {
  const EVP_MD* function = function_of(hash);
  hashed_text text;
  add_identities(text, info);
  add_features(text, info);
  add_forms(text, info);
  if (function == nullptr || !text.sound) return std::nullopt;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(text.text.data(), text.text.size(), digest.data(), &size, function, nullptr) != 1) {
    return std::nullopt;
  }
  return net::detail::to_base64(std::span<const std::uint8_t>(digest).first(size));
}

bool matches(const entity_caps& caps, const disco_info& answer) {
  return verification_string(answer, caps.hash) == caps.ver;
}

xml::element make_caps(std::string_view node, const disco_info& info) {
  xml::element c(ns::caps, "c");
  c.set("hash", "sha-1").set("node", node).set("ver", verification_string(info, "sha-1").value_or(""));
  return c;
}

} // namespace coppice::xmpp

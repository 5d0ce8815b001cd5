#include "servers/xmpp/upload.hpp"

#include "servers/xmpp/namespaces.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace coppice::xmpp {
namespace {

constexpr std::size_t longest_name = 120;
constexpr std::size_t longest_type = 100;

stanza_error bad(std::string why) { return {condition::bad_request, std::move(why)}; }

/// RFC 9110, 5.6.2
bool is_token(std::string_view text) noexcept {
  static constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || marks.find(c) != std::string_view::npos;
  };
  return !text.empty() && std::ranges::all_of(text, allowed);
}

std::optional<std::uint64_t> number(std::string_view text) noexcept {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool continues(char c) noexcept { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

/// At most so many bytes of it, whole characters, from its beginning.
std::string_view front(std::string_view text, std::size_t most) noexcept {
  if (text.size() <= most) return text;
  while (most > 0 && continues(text[most])) --most;
  return text.substr(0, most);
}

xml::element text_element(std::string_view name, std::uint64_t value) {
  return xml::element(ns::upload, name).add_text(std::to_string(value));
}

stanza_error too_large(std::uint64_t most) {
  return {.is = condition::not_acceptable,
          .text = "File too large. The maximum file size is " + std::to_string(most) + " bytes.",
          .more = xml::element(ns::upload, "file-too-large").add(text_element("max-file-size", most))};
}

} // namespace

std::string upload_name(std::string_view said) {
  if (const std::size_t slash = said.find_last_of("/\\"); slash != std::string_view::npos) {
    said.remove_prefix(slash + 1);
  }
  std::string name;
  for (const char c : said) name += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '_' : c;
  if (name.size() > longest_name) {
    std::string_view ending = name;
    const std::size_t dot = ending.rfind('.');
    ending = dot == std::string_view::npos || ending.size() - dot > longest_name / 4 ? std::string_view()
                                                                                     : ending.substr(dot);
    name = std::string(front(name, longest_name - ending.size())) + std::string(ending);
  }
  return name.empty() || name == "." || name == ".." ? "file" : name;
}

std::optional<std::string> media_type(std::string_view said) {
  said = said.substr(0, said.find(';'));
  while (said.ends_with(' ') || said.ends_with('\t')) said.remove_suffix(1);
  std::string type(said);
  for (char& c : type) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  const std::size_t slash = type.find('/');
  if (type.size() > longest_type || slash == std::string::npos) return std::nullopt;
  const std::string_view whole = type;
  if (!is_token(whole.substr(0, slash)) || !is_token(whole.substr(slash + 1))) return std::nullopt;
  return type;
}

std::expected<upload_request, stanza_error> parse_upload_request(const xml::element& iq, std::uint64_t most) {
  const xml::element* request = iq.first();
  if (iq.get("type") != "get" || request == nullptr || !request->is(ns::upload, "request")) {
    return std::unexpected(bad("There is no request."));
  }
  if (request->get("filename").empty()) return std::unexpected(bad("The file has no name."));
  const auto size = number(request->get("size"));
  if (!size || *size == 0) return std::unexpected(bad("The size is no number of bytes from 1 on."));
  if (*size > most) return std::unexpected(too_large(most));
  upload_request asked{.name = upload_name(request->get("filename")), .size = *size};
  if (const auto said = request->find("content-type"); said && !said->empty()) {
    auto type = media_type(*said);
    if (!type) return std::unexpected(bad("The content type is none."));
    asked.type = std::move(*type);
  }
  return asked;
}

xml::element upload_slot(const xml::element& iq, std::string_view put, std::string_view get) {
  xml::element slot(ns::upload, "slot");
  slot.add(xml::element(ns::upload, "put").set("url", put));
  slot.add(xml::element(ns::upload, "get").set("url", get));
  return result_reply(iq).add(std::move(slot));
}

disco_info upload_service_info(std::uint64_t most) {
  disco_info info{.identities = {{"store", "file", "HTTP File Upload"}},
                  .features = {std::string(ns::disco_info), std::string(ns::upload)}};
  data_form form = data_form::of(form_kind::result, ns::upload);
  form.add("max-file-size", std::to_string(most));
  info.forms.push_back(std::move(form));
  return info;
}

std::optional<stanza_error> over_quota(std::span<const upload_use> uses, std::uint64_t size,
                                       const upload_quota& quota) {
  std::uint64_t bytes = size;
  for (const upload_use& one : uses) bytes += one.size;
  std::size_t files = uses.size() + 1;
  if (bytes <= quota.bytes && files <= quota.files) return std::nullopt;
  stanza_error error{.is = condition::resource_constraint,
                     .text = "Quota reached: " + std::to_string(quota.bytes) + " bytes and " +
                             std::to_string(quota.files) + " files a day."};
  for (const upload_use& one : uses) { // as they leave the day
    bytes -= one.size;
    --files;
    if (bytes > quota.bytes || files > quota.files) continue;
    error.more =
        xml::element(ns::upload, "retry")
            .set("stamp", to_text(std::chrono::ceil<std::chrono::seconds>(one.at) + std::chrono::days(1)));
    break;
  }
  return error;
}

} // namespace coppice::xmpp

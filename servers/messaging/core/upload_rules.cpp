#include "servers/messaging/core/upload_rules.hpp"

#include "coppice/http/uri.hpp"

#include <algorithm>
#include <array>

namespace coppice::messaging {

using storage::upload_state;

upload_verdict judge_sending(const std::optional<storage::stored_upload>& promised, std::string_view name,
                             std::uint64_t size, std::string_view said, xmpp::instant now) {
  if (!promised || promised->file.name != name || promised->owner.empty()) return upload_verdict::unknown;
  if (promised->state != upload_state::promised) return upload_verdict::taken;
  if (promised->asked + upload_promise_holds < now) return upload_verdict::too_late;
  if (size > promised->file.size) return upload_verdict::too_large;
  if (size < promised->file.size) return upload_verdict::too_small;
  if (!said.empty() && !promised->file.type.empty() && xmpp::media_type(said) != promised->file.type) {
    return upload_verdict::wrong_type;
  }
  return upload_verdict::welcome;
}

bool may_be_fetched(const std::optional<storage::stored_upload>& upload, std::string_view name,
                    unsigned days_kept, xmpp::instant now) {
  return upload && upload->state == upload_state::stored && upload->file.name == name &&
         now < upload->asked + std::chrono::days(days_kept);
}

shown_file show(const xmpp::upload_request& file) {
  static constexpr std::array<std::string_view, 15> harmless = {
      "audio/aac", "audio/mp4",  "audio/mpeg", "audio/ogg", "audio/opus",
      "audio/wav", "audio/webm", "image/avif", "image/gif", "image/jpeg",
      "image/png", "image/webp", "text/plain", "video/mp4", "video/webm"};
  if (std::ranges::find(harmless, file.type) != harmless.end()) {
    return {file.type == "text/plain" ? "text/plain; charset=utf-8" : file.type, ""};
  }
  return {"application/octet-stream", "attachment; filename*=UTF-8''" + http::percent_encode(file.name)};
}

bool is_upload_id(std::string_view id) noexcept {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return id.size() == 20 && std::ranges::all_of(id, allowed);
}

std::string upload_path(std::string_view id, std::string_view name) {
  return "/upload/" + std::string(id) + '/' + http::percent_encode(name);
}

} // namespace coppice::messaging

// Which requests for uploaded files are in order, and how files are shown. XEP-0363. Pure.
#pragma once

#include "servers/messaging/storage/uploads.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace coppice::messaging {

/// How long a promise holds (XEP-0363, 8).
inline constexpr std::chrono::minutes upload_promise_holds{5};
/// How long one may be under way: after that it is taken for broken off.
inline constexpr std::chrono::days upload_takes_at_most{1};

/// What is to be said to who sends a file.
enum class upload_verdict : std::uint8_t {
  welcome,
  unknown,    ///< there is no such promise, or its name is another
  taken,      ///< it was sent already, or is being sent
  too_late,   ///< the promise holds no more
  too_large,  ///< more bytes than were promised
  too_small,  ///< fewer
  wrong_type, ///< another type
};
/// A file of `size` bytes is to be sent, of type `said` (''; it is not said) under that name.
[[nodiscard]] upload_verdict judge_sending(const std::optional<storage::stored_upload>& promised,
                                           std::string_view name, std::uint64_t size, std::string_view said,
                                           xmpp::instant now);
/// Whether it may be fetched under that name.
[[nodiscard]] bool may_be_fetched(const std::optional<storage::stored_upload>& upload, std::string_view name,
                                  unsigned days_kept, xmpp::instant now);

/// What browsers are told of a file.
struct shown_file {
  std::string type;        ///< Content-Type
  std::string disposition; ///< Content-Disposition; '': none
};
/// Pictures, sound, films and plain text as what they are; everything else only to be saved, for it could be
/// a program that runs in the name of our own pages.
[[nodiscard]] shown_file show(const xmpp::upload_request& file);

/// Whether an id can be one of ours; then it is a file's name, too.
[[nodiscard]] bool is_upload_id(std::string_view id) noexcept;
/// The path of a file on the HTTP server.
[[nodiscard]] std::string upload_path(std::string_view id, std::string_view name);

} // namespace coppice::messaging

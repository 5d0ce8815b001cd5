// Room for files that a user wants to send: what `upload.DOMAIN` answers. XEP-0363.
#include "servers/messaging/core/upload_rules.hpp"
#include "servers/messaging/shell/replies.hpp"
#include "servers/messaging/shell/user.hpp"
#include "servers/messaging/storage/uploads.hpp"
#include "servers/xmpp/namespaces.hpp"

#include <algorithm>

namespace coppice::messaging {

using namespace xmpp; // NOLINT(google-build-using-namespace)

namespace {

std::uint64_t largest_file(const upload_settings& how) noexcept {
  return std::min(how.max_file_size, how.bytes_per_day);
}

} // namespace

task<xml::element> user::answer_upload(xml::element iq) {
  const std::string url = host_.uploads_url();
  if (url.empty()) co_return refused(iq, condition::service_unavailable);
  const xml::element* asked = iq.first();
  if (iq.get("type") == "get" && asked->is(ns::disco_info, "query") && asked->get("node").empty()) {
    co_return result_reply(iq).add(to_element(upload_service_info(largest_file(host_.how().uploads))));
  }
  if (iq.get("type") == "get" && asked->is(ns::disco_items, "query")) {
    co_return result_reply(iq).add(make_disco_items({}, asked->get("node")));
  }
  if (asked->is(ns::ping, "ping")) co_return result_reply(iq);
  if (!asked->is(ns::upload, "request")) co_return refused(iq, condition::service_unavailable);
  xml::element reply = co_await promise_upload(std::move(iq), url);
  co_return std::move(reply);
}

task<xml::element> user::promise_upload(xml::element iq, std::string url) {
  const upload_settings& how = host_.how().uploads;
  auto file = parse_upload_request(iq, largest_file(how));
  if (!file) co_return error_reply(iq, file.error());
  const storage::stored_upload one{
      .id = unguessable(), .owner = bare().text(), .file = std::move(*file), .asked = host::now_utc()};
  const std::string at = url + upload_path(one.id, one.file.name);
  const upload_quota quota{how.bytes_per_day, how.files_per_day};
  auto work = [one, quota](store::transaction& t) {
    const auto uses = storage::upload_uses(t, one.owner, one.asked - std::chrono::days(1),
                                           one.asked - upload_promise_holds);
    auto over = over_quota(uses, one.file.size, quota);
    if (!over) storage::promise_upload(t, one);
    return over;
  };
  auto promised = co_await host_.db().write(std::move(work));
  if (!promised) co_return unavailable(iq);
  if (*promised) co_return error_reply(iq, **promised);
  co_return upload_slot(iq, at, at);
}

} // namespace coppice::messaging

#include "servers/messaging/shell/upload_routes.hpp"

#include "coppice/http/static_files.hpp"
#include "coppice/runtime/blocking.hpp"
#include "servers/messaging/core/upload_rules.hpp"
#include "servers/messaging/shell/upload_files.hpp"
#include "servers/messaging/storage/uploads.hpp"

namespace coppice::messaging {
namespace {

using http::response;
using http::status;
using file_ptr = std::shared_ptr<arriving_file>;

constexpr std::string_view prefix = "/upload/";
constexpr std::size_t write_at_once = std::size_t{128} << 10U;

/// Pages of other origins may know what was answered.
response open_to_all(response r) {
  r.header("Access-Control-Allow-Origin", "*");
  return r;
}

response refuse(status s, std::string_view why = {}) { return open_to_all(response::plain_error(s, why)); }

response refuse(upload_verdict why) {
  switch (why) {
  case upload_verdict::taken: return refuse(status::conflict, "It was sent already: ask for a new slot.");
  case upload_verdict::too_late: return refuse(status::gone, "It is too late: ask for a new slot.");
  case upload_verdict::too_large: return refuse(status::content_too_large, "It is more than was asked for.");
  case upload_verdict::too_small: return refuse(status::bad_request, "It is less than was asked for.");
  case upload_verdict::wrong_type:
    return refuse(status::unsupported_media_type, "It is of another type than was asked for.");
  case upload_verdict::welcome:
  case upload_verdict::unknown: break;
  }
  return refuse(status::not_found);
}

// Work for the pool; files are owned by it, for the process may be killed meanwhile.
file_ptr begin_file(const std::string& folder, const std::string& id) {
  return std::make_shared<arriving_file>(folder, id);
}
void write_piece(const file_ptr& file, const std::string& piece) { file->write(piece); }
void keep_file(const file_ptr& file) { file->keep(); }

task<> receive(http::request& r, std::string folder, std::string id) {
  file_ptr file = co_await blocking(&begin_file, folder, id);
  std::string gathered;
  for (;;) {
    std::string_view piece = co_await r.body_piece();
    gathered += piece;
    if (gathered.size() >= write_at_once || (piece.empty() && !gathered.empty())) {
      co_await blocking(&write_piece, file, std::move(gathered));
      gathered.clear();
    }
    if (piece.empty()) break;
  }
  co_await blocking(&keep_file, file);
}

/// The promise is used up, whatever becomes of it.
task<std::expected<upload_verdict, store::error>> begin(host h, std::string id, std::string name,
                                                        std::uint64_t size, std::string said) {
  auto work = [id = std::move(id), name = std::move(name), size, said = std::move(said),
               now = host::now_utc()](store::transaction& t) {
    const auto promised = storage::find_upload(t, id);
    const upload_verdict verdict = judge_sending(promised, name, size, said, now);
    if (verdict != upload_verdict::welcome) return verdict;
    const std::string type =
        promised->file.type.empty() ? xmpp::media_type(said).value_or("") : promised->file.type;
    return storage::begin_upload(t, id, type) ? verdict : upload_verdict::taken;
  };
  auto begun = co_await h.db().write(std::move(work));
  co_return begun;
}

task<response> take_file(host h, http::request& r, std::string id, std::string name) {
  if (r.head().framing != http::body_framing::length) co_return refuse(status::length_required);
  std::string said(r.header("Content-Type").value_or(""));
  auto begun = co_await begin(h, id, std::move(name), r.head().content_length, std::move(said));
  if (!begun) co_return refuse(status::service_unavailable);
  if (*begun != upload_verdict::welcome) co_return refuse(*begun);
  std::exception_ptr broken;
  try {
    co_await receive(r, h.how().uploads.folder, id);
  } catch (const std::exception&) {
    broken = std::current_exception();
  }
  const bool whole = broken == nullptr;
  auto work = [id, whole](store::transaction& t) {
    if (whole) return storage::finish_upload(t, id);
    storage::remove_upload(t, id); // nothing of it counts
    return false;
  };
  auto done = co_await h.db().write(std::move(work));
  if (broken) std::rethrow_exception(broken);
  if (!done) co_return refuse(status::service_unavailable);
  if (!*done) co_return refuse(status::gone);
  h.counted().uploaded.add(r.head().content_length);
  co_return open_to_all(response(status::created));
}

task<response> give_file(host h, http::request& r, std::string id, std::string name) {
  auto work = [id](store::transaction& t) { return storage::find_upload(t, id); };
  auto found = co_await h.db().read(std::move(work));
  if (!found) co_return refuse(status::service_unavailable);
  const upload_settings& how = h.how().uploads;
  if (!may_be_fetched(*found, name, how.days_kept, host::now_utc())) co_return refuse(status::not_found);
  shown_file shown = show((*found)->file);
  http::static_files files;
  files.root = how.folder;
  files.cache_control = "private, max-age=86400";
  files.headers = {{"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox"},
                   {"Access-Control-Allow-Origin", "*"}};
  if (!shown.disposition.empty()) files.headers.emplace_back("Content-Disposition", shown.disposition);
  response answer = co_await http::serve_file_as(r, files, how.folder + '/' + id, std::move(shown.type));
  co_return std::move(answer);
}

task<response> serve(host h, http::request& r) {
  std::string id(r.binding("id").value_or(""));
  std::string name(r.binding("name").value_or(""));
  if (!is_upload_id(id)) co_return refuse(status::not_found);
  switch (r.method()) {
  case http::method::options: {
    response allowed = open_to_all(response(status::no_content));
    allowed.header("Access-Control-Allow-Methods", "OPTIONS, HEAD, GET, PUT")
        .header("Access-Control-Allow-Headers", "Authorization, Content-Type")
        .header("Access-Control-Max-Age", "86400");
    co_return std::move(allowed);
  }
  case http::method::put: {
    response answer = co_await take_file(h, r, std::move(id), std::move(name));
    co_return std::move(answer);
  }
  case http::method::get:
  case http::method::head: {
    response answer = co_await give_file(h, r, std::move(id), std::move(name));
    co_return std::move(answer);
  }
  default: break;
  }
  response refused = refuse(status::method_not_allowed);
  refused.header("Allow", "OPTIONS, HEAD, GET, PUT");
  co_return std::move(refused);
}

} // namespace

void mount_uploads(http::routes& routes, const host& h) {
  if (h.how().uploads.max_file_size == 0) return;
  http::route_options options;
  options.body_limit = h.how().uploads.max_file_size;
  routes.any(
      std::string(prefix) + ":id/:name", [h](http::request& r) { return serve(h, r); }, std::move(options));
}

bool is_for_uploads(std::string_view path) noexcept { return path.starts_with(prefix); }

} // namespace coppice::messaging

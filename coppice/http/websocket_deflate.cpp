#include "coppice/http/websocket_deflate.hpp"

#include "coppice/http/detail/chars.hpp"
#include "coppice/http/fields.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <vector>
#include <zlib.h>

namespace coppice::http {
namespace {

constexpr std::string_view name = "permessage-deflate";
constexpr std::string_view field_name = "sec-websocket-extensions";
constexpr std::string_view flush_end{"\x00\x00\xff\xff", 4}; // RFC 7692 section 7.2.1: not sent
constexpr int memory_level = 5;

struct parameter {
  std::string_view name;
  std::string value;
  bool valued = false;
};
struct extension {
  std::string_view name;
  std::vector<parameter> parameters;
};

/// "name; a; b=1"; nothing if malformed (RFC 6455 section 9.1).
std::optional<extension> parse_extension(std::string_view text) {
  extension made;
  for (bool first = true; first || !text.empty(); first = false) {
    std::size_t semicolon = std::min(text.find(';'), text.size());
    std::string_view part = detail::trim_ows(text.substr(0, semicolon));
    bool more = semicolon < text.size();
    text.remove_prefix(more ? semicolon + 1 : semicolon);
    if (more && text.empty()) return std::nullopt;
    std::size_t equals = std::min(part.find('='), part.size());
    parameter p{part.substr(0, equals), std::string(part.substr(std::min(equals + 1, part.size()))),
                equals < part.size()};
    if (p.value.starts_with('"')) p.value = unquote(p.value).value_or("");
    if (!is_token(p.name) || (p.valued && !is_token(p.value))) return std::nullopt;
    if (first && p.valued) return std::nullopt;
    if (first) made.name = p.name;
    if (!first) made.parameters.push_back(std::move(p));
  }
  return made;
}

/// All of a head's; nothing if malformed.
std::optional<std::vector<extension>> extensions_of(const headers& fields) {
  std::vector<extension> all;
  for (const headers::field f : fields) {
    if (!detail::iequals(f.name, field_name)) continue;
    std::string_view rest = f.value;
    std::string_view element;
    while (next_element(rest, element)) {
      if (element.empty()) continue;
      std::optional<extension> one = parse_extension(element);
      if (!one) return std::nullopt;
      all.push_back(std::move(*one));
    }
  }
  return all;
}

/// The parameters of RFC 7692 section 7.1, each at most once and with a fit value.
struct deflate_parameters {
  bool server_no_context = false;
  bool client_no_context = false;
  std::optional<int> server_bits;
  bool limits_client = false; ///< client_max_window_bits is said, with a value or without
  std::optional<int> client_bits;
};

std::optional<int> window_bits(const parameter& p) {
  static constexpr std::array<std::string_view, 8> values{"8", "9", "10", "11", "12", "13", "14", "15"};
  auto found = std::find(values.begin(), values.end(), p.value);
  if (found == values.end()) return std::nullopt;
  return static_cast<int>(found - values.begin()) + 8;
}

std::optional<deflate_parameters> read(const extension& e) {
  deflate_parameters made;
  for (const parameter& p : e.parameters) {
    bool fresh = false;
    if (p.name == "server_no_context_takeover" && !p.valued)
      fresh = !std::exchange(made.server_no_context, true);
    if (p.name == "client_no_context_takeover" && !p.valued)
      fresh = !std::exchange(made.client_no_context, true);
    if (p.name == "server_max_window_bits" && p.valued && !made.server_bits) {
      made.server_bits = window_bits(p);
      fresh = made.server_bits.has_value();
    }
    if (p.name == "client_max_window_bits" && (!p.valued || window_bits(p))) {
      if (p.valued) made.client_bits = window_bits(p);
      fresh = !std::exchange(made.limits_client, true);
    }
    if (!fresh) return std::nullopt;
  }
  return made;
}

} // namespace

// --- negotiation ---

std::optional<accepted_deflate> accept_deflate(const headers& request, const websocket_deflate& ours) {
  std::optional<std::vector<extension>> offers = extensions_of(request);
  if (!offers) return std::nullopt;
  for (const extension& e : *offers) {
    if (e.name != name) continue;
    std::optional<deflate_parameters> offer = read(e);
    if (!offer || offer->server_bits == 8) continue;
    accepted_deflate made;
    made.agreement.own_context = ours.own_context && !offer->server_no_context;
    made.agreement.peer_context = ours.peer_context && !offer->client_no_context;
    made.agreement.own_window_bits = offer->server_bits.value_or(15);
    made.field = name;
    if (!made.agreement.own_context) made.field += "; server_no_context_takeover";
    if (!made.agreement.peer_context) made.field += "; client_no_context_takeover";
    if (offer->server_bits) made.field += "; server_max_window_bits=" + std::to_string(*offer->server_bits);
    return made;
  }
  return std::nullopt;
}

std::string offer_deflate(const websocket_deflate& ours) {
  std::string field(name);
  if (!ours.peer_context) field += "; server_no_context_takeover";
  if (!ours.own_context) field += "; client_no_context_takeover";
  return field + "; client_max_window_bits"; // the server may choose
}

std::expected<std::optional<deflate_agreement>, std::string_view>
deflate_answer(const headers& response, const websocket_deflate& ours) {
  auto refuse = [](std::string_view why) { return std::unexpected(why); };
  std::optional<std::vector<extension>> all = extensions_of(response);
  if (!all) return refuse("the server's Sec-WebSocket-Extensions is malformed");
  if (all->empty()) return std::optional<deflate_agreement>();
  if (all->size() > 1 || all->front().name != name)
    return refuse("the server uses an extension that was not offered");
  std::optional<deflate_parameters> said = read(all->front());
  if (!said || (said->limits_client && !said->client_bits))
    return refuse("the parameters of the server's permessage-deflate are malformed");
  if (!ours.peer_context && !said->server_no_context)
    return refuse("the server keeps a context that it was asked not to");
  deflate_agreement made;
  made.own_context = ours.own_context && !said->client_no_context;
  made.peer_context = !said->server_no_context;
  made.own_window_bits = said->client_bits.value_or(15);
  return made;
}

// --- compression ---

struct websocket_deflater::streams {
  z_stream out{};
  z_stream in{};
  bool deflating = false;
  bool inflating = false;
  ~streams() {
    if (deflating) deflateEnd(&out);
    if (inflating) inflateEnd(&in);
  }
  void start_deflating(int bits) {
    if (deflating) return;
    if (deflateInit2(&out, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -bits, memory_level, Z_DEFAULT_STRATEGY) !=
        Z_OK) {
      throw std::bad_alloc();
    }
    deflating = true;
  }
  void start_inflating() {
    if (inflating) return;
    if (inflateInit2(&in, -15) != Z_OK) throw std::bad_alloc();
    inflating = true;
  }
};

websocket_deflater::websocket_deflater(const deflate_agreement& agreement)
    : streams_(std::make_unique<streams>()), agreement_(agreement) {}
websocket_deflater::websocket_deflater(websocket_deflater&&) noexcept = default;
websocket_deflater& websocket_deflater::operator=(websocket_deflater&&) noexcept = default;
websocket_deflater::~websocket_deflater() = default;

std::string websocket_deflater::compress(std::string_view message) {
  streams_->start_deflating(agreement_.own_window_bits);
  z_stream& z = streams_->out;
  std::string made;
  std::array<unsigned char, 16384> block;
  std::string_view rest = message;
  do {
    std::string_view piece = rest.substr(0, std::size_t{1} << 30); // zlib counts in unsigned int
    rest.remove_prefix(piece.size());
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
    z.avail_in = static_cast<uInt>(piece.size());
    do {
      z.next_out = block.data();
      z.avail_out = block.size();
      ::deflate(&z, rest.empty() ? Z_SYNC_FLUSH : Z_NO_FLUSH); // with room to write it cannot fail
      made.append(reinterpret_cast<const char*>(block.data()), block.size() - z.avail_out);
    } while (z.avail_out == 0);
  } while (!rest.empty());
  if (made.ends_with(flush_end)) made.resize(made.size() - flush_end.size());
  if (made.empty()) made.push_back('\0'); // RFC 7692 section 7.2.3.6: an empty message
  if (!agreement_.own_context) deflateReset(&z);
  return made;
}

websocket_deflater::outcome websocket_deflater::inflate(std::string_view piece, std::string& out,
                                                        std::uint64_t limit) {
  streams_->start_inflating();
  z_stream& z = streams_->in;
  std::array<unsigned char, 16384> block;
  while (!piece.empty()) {
    std::string_view part = piece.substr(0, std::size_t{1} << 30);
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(part.data()));
    z.avail_in = static_cast<uInt>(part.size());
    do {
      z.next_out = block.data();
      z.avail_out = block.size();
      int result = ::inflate(&z, Z_SYNC_FLUSH);
      std::size_t made = block.size() - z.avail_out;
      std::size_t room = limit - std::min<std::uint64_t>(out.size(), limit);
      out.append(reinterpret_cast<const char*>(block.data()), std::min(made, room));
      if (made > room) return outcome::too_large;
      if (result == Z_STREAM_END) { // RFC 7692 section 7.2.3.4: a block with BFINAL; what follows begins anew
        inflateReset(&z);
      } else if (result != Z_OK && result != Z_BUF_ERROR) {
        return outcome::malformed;
      } else if (result == Z_BUF_ERROR && z.avail_out != 0) {
        break;
      }
    } while (z.avail_in > 0 || z.avail_out == 0);
    piece.remove_prefix(part.size() - z.avail_in);
    if (z.avail_in > 0) return outcome::malformed;
  }
  return outcome::ok;
}

websocket_deflater::outcome websocket_deflater::end(std::string& out, std::uint64_t limit) {
  outcome last = inflate(flush_end, out, limit);
  if (!agreement_.peer_context) inflateReset(&streams_->in);
  return last;
}

} // namespace coppice::http

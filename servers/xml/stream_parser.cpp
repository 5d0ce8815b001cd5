#include "servers/xml/stream_parser.hpp"

#include <algorithm>
#include <climits>
#include <expat.h>
#include <fmt/core.h>
#include <new>
#include <utility>

namespace coppice::xml {
namespace {

/// Between namespace and name in what expat tells. No XML can hold it.
constexpr char separator = '\x1f';

struct expat_end {
  void operator()(XML_Parser p) const noexcept { XML_ParserFree(p); }
};
using expat_parser = std::unique_ptr<std::remove_pointer_t<XML_Parser>, expat_end>;

std::pair<std::string_view, std::string_view> split(std::string_view full) noexcept {
  const std::size_t at = full.find(separator);
  if (at == std::string_view::npos) return {"", full};
  return {full.substr(0, at), full.substr(at + 1)};
}

std::string_view condition_of(XML_Error code) noexcept {
  switch (code) {
  case XML_ERROR_UNBOUND_PREFIX:
  case XML_ERROR_RESERVED_PREFIX_XML:
  case XML_ERROR_RESERVED_PREFIX_XMLNS:
  case XML_ERROR_RESERVED_NAMESPACE_URI: return "bad-namespace-prefix";
  case XML_ERROR_UNDEFINED_ENTITY:
  case XML_ERROR_RECURSIVE_ENTITY_REF:
  case XML_ERROR_ASYNC_ENTITY: return "restricted-xml";
  case XML_ERROR_UNKNOWN_ENCODING:
  case XML_ERROR_INCORRECT_ENCODING: return "unsupported-encoding";
  default: return "not-well-formed";
  }
}

} // namespace

/// What expat calls, and what it has made of it.
class stream_parser::reader {
public:
  explicit reader(const parser_limits& limits, container_test is_container = {})
      : limits_(limits), is_container_(std::move(is_container)) {
    make_expat();
  }

  void rest() {
    const bool between_stanzas = depth_ == 1 && open_.empty() && unfinished() == 0 && !root_is_stanza_;
    if (!between_stanzas || error_ || !ready_.empty()) return;
    expat_.reset();
    open_.shrink_to_fit();
  }

  void make_expat() {
    expat_.reset(XML_ParserCreateNS("UTF-8", separator));
    if (expat_ == nullptr) throw std::bad_alloc();
    XML_SetUserData(expat_.get(), this);
    XML_SetElementHandler(expat_.get(), &on_start, &on_end);
    XML_SetCharacterDataHandler(expat_.get(), &on_text);
    XML_SetStartNamespaceDeclHandler(expat_.get(), &on_namespace);
    XML_SetXmlDeclHandler(expat_.get(), &on_declaration);
    XML_SetStartDoctypeDeclHandler(
        expat_.get(), [](void* me, const char*, const char*, const char*, int) { refuse(me, "a DTD"); });
    XML_SetCommentHandler(expat_.get(), [](void* me, const char*) { refuse(me, "a comment"); });
    XML_SetProcessingInstructionHandler(
        expat_.get(), [](void* me, const char*, const char*) { refuse(me, "a processing instruction"); });
    XML_SetSkippedEntityHandler(expat_.get(),
                                [](void* me, const char*, int) { refuse(me, "a reference to an entity"); });
  }

  std::expected<void, stream_error> feed(std::string_view bytes) {
    if (expat_ == nullptr) wake();
    while (!error_ && !bytes.empty()) {
      // In pieces, so that a stanza that is too long is known to be before all of it is kept.
      const std::string_view piece = bytes.substr(0, std::min(piece_size, limits_.stanza));
      bytes.remove_prefix(piece.size());
      take(piece);
    }
    if (error_) return std::unexpected(*error_);
    return {};
  }
  /// Where the text ends, if it is one that does.
  std::expected<void, stream_error> finish() {
    if (!error_ && XML_Parse(expat_.get(), "", 0, XML_TRUE) != XML_STATUS_OK) note_expat_error();
    if (error_) return std::unexpected(*error_);
    return {};
  }
  std::optional<stream_event> next() {
    if (ready_.empty()) return std::nullopt;
    stream_event first = std::move(ready_.front());
    ready_.pop_front();
    return first;
  }
  [[nodiscard]] std::size_t unfinished() const noexcept { return taken_ - begun_at_; }
  /// The root counts as a stanza.
  void whole_text() noexcept { root_is_stanza_ = true; }

private:
  static constexpr std::size_t piece_size = 4096;
  static constexpr std::size_t most_read_again = std::size_t{16} << 20;

  static reader& of(void* me) noexcept { return *static_cast<reader*>(me); }

  /// After a rest: expat learns again how the stream began, which its prefixes hang on.
  void wake() {
    make_expat();
    before_ = taken_ - opening_.size();
    replays_ = true;
    if (XML_Parse(expat_.get(), opening_.data(), static_cast<int>(opening_.size()), XML_FALSE) !=
        XML_STATUS_OK) {
      note_expat_error();
    }
    replays_ = false;
  }
  /// Where expat is, in the whole of the stream; nothing if it does not know.
  [[nodiscard]] std::optional<std::size_t> place() const noexcept {
    const XML_Index at = XML_GetCurrentByteIndex(expat_.get());
    if (at < 0) return std::nullopt;
    return before_ + static_cast<std::size_t>(at);
  }

  void take(std::string_view piece) {
    taken_ += piece.size();
    if (depth_ == 0 && !root_is_stanza_) opening_ += piece;
    if (XML_Parse(expat_.get(), piece.data(), static_cast<int>(piece.size()), XML_FALSE) != XML_STATUS_OK) {
      note_expat_error();
      return;
    }
    if (unfinished() > limits_.stanza) {
      fail("policy-violation", fmt::format("a stanza of more than {} bytes", limits_.stanza));
      return;
    }
    // Expat looks at a tag that is not whole from its beginning again, each time something comes.
    read_again_ += taken_ - std::min(taken_, place().value_or(taken_));
    if (read_again_ > most_read_again) fail("policy-violation", "a long tag in too many pieces");
  }

  void fail(std::string_view condition, std::string text) {
    if (error_) return;
    error_ = stream_error{condition, std::move(text)};
    XML_StopParser(expat_.get(), XML_FALSE);
  }
  void note_expat_error() {
    if (error_) return;
    const XML_Error code = XML_GetErrorCode(expat_.get());
    error_ = stream_error{condition_of(code), fmt::format("{} at {}:{}", XML_ErrorString(code),
                                                          XML_GetCurrentLineNumber(expat_.get()),
                                                          XML_GetCurrentColumnNumber(expat_.get()) + 1)};
  }
  static void refuse(void* me, std::string_view what) {
    of(me).fail("restricted-xml", fmt::format("{} may not be there", what));
  }

  static void on_declaration(void* me, const char*, const char* encoding, int) {
    std::string name(encoding == nullptr ? "utf-8" : encoding);
    std::ranges::transform(name, name.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    if (name != "utf-8") of(me).fail("unsupported-encoding", "the encoding is UTF-8");
  }
  static void on_namespace(void* me, const char* prefix, const char* uri) {
    reader& r = of(me);
    if (r.depth_ == 0 && prefix == nullptr) r.default_ns_ = uri == nullptr ? "" : uri;
  }

  static void on_start(void* me, const char* full, const char** pairs) {
    reader& r = of(me);
    if (r.error_ || r.replays_) return;
    try {
      r.start(full, pairs);
    } catch (const std::bad_alloc&) {
      r.fail("resource-constraint", "out of memory");
    }
  }
  void start(const char* full, const char** pairs) {
    const auto [ns, name] = split(full);
    element made(ns, name);
    std::size_t count = 0;
    for (; pairs[2 * count] != nullptr; ++count) {
      if (count == limits_.attributes) {
        return fail("policy-violation", fmt::format("more than {} attributes", limits_.attributes));
      }
      const auto [attribute_ns, attribute_name] = split(pairs[2 * count]);
      made.set(attribute_ns, attribute_name, pairs[2 * count + 1]);
    }
    if (depth_ == limits_.depth) {
      return fail("policy-violation", fmt::format("more than {} elements within each other", limits_.depth));
    }
    if (depth_++ == 0 && !root_is_stanza_) {
      ready_.emplace_back(stream_opened{std::move(made), default_ns_});
      whole();
      opening_.resize(std::min(opening_.size(), begun_at_));
      opening_.shrink_to_fit();
      return;
    }
    if (open_.empty() && is_container_ && is_container_(made)) {
      ready_.emplace_back(container_opened{std::move(made)});
      return whole();
    }
    if (!count_part()) return;
    open_.push_back(std::move(made));
  }

  static void on_end(void* me, const char*) {
    reader& r = of(me);
    if (r.error_) return;
    if (--r.depth_ == 0 && !r.root_is_stanza_) {
      r.ready_.emplace_back(stream_closed());
      return r.whole();
    }
    if (r.open_.empty()) {
      r.ready_.emplace_back(container_closed());
      return r.whole();
    }
    element done = std::move(r.open_.back());
    r.open_.pop_back();
    if (!r.open_.empty()) {
      r.open_.back().add(std::move(done));
      return;
    }
    r.ready_.emplace_back(std::move(done));
    r.whole();
  }

  static void on_text(void* me, const char* bytes, int length) {
    reader& r = of(me);
    if (r.error_) return;
    const std::string_view text(bytes, static_cast<std::size_t>(length));
    if (!r.open_.empty()) {
      const bool fresh = r.open_.back().append_parsed(text);
      if (fresh) (void)r.count_part();
    } else if (text.find_first_not_of(" \t\r\n") != std::string_view::npos) {
      r.fail("bad-format", "text between stanzas");
    } else {
      r.whole(); // white space keeps a connection alive, and does not count
    }
  }

  /// Nothing is unfinished up to where expat is.
  void whole() noexcept {
    const auto length = static_cast<std::size_t>(XML_GetCurrentByteCount(expat_.get()));
    begun_at_ = std::min(taken_, place().value_or(taken_) + length);
    read_again_ = 0;
    parts_ = 0;
  }
  bool count_part() {
    if (++parts_ <= limits_.parts) return true;
    fail("policy-violation", fmt::format("a stanza of more than {} parts", limits_.parts));
    return false;
  }

  parser_limits limits_;
  container_test is_container_;
  expat_parser expat_;
  std::deque<stream_event> ready_;
  std::vector<element> open_; ///< from the stanza inwards
  std::optional<stream_error> error_;
  std::string default_ns_;
  std::string opening_;    ///< the stream's first bytes, up to the end of its root's tag
  std::size_t before_ = 0; ///< bytes of the stream that the present expat has not seen
  bool replays_ = false;   ///< expat is being told what it knew already
  std::size_t depth_ = 0;
  std::size_t parts_ = 0;
  std::size_t taken_ = 0;    ///< bytes in all
  std::size_t begun_at_ = 0; ///< where what is unfinished began
  std::size_t read_again_ = 0;
  bool root_is_stanza_ = false;
};

stream_parser::stream_parser(const parser_limits& limits, container_test is_container)
    : reader_(std::make_unique<reader>(limits, std::move(is_container))) {}
stream_parser::~stream_parser() = default;
stream_parser::stream_parser(stream_parser&&) noexcept = default;
stream_parser& stream_parser::operator=(stream_parser&&) noexcept = default;

std::expected<void, stream_error> stream_parser::feed(std::string_view bytes) { return reader_->feed(bytes); }
std::optional<stream_event> stream_parser::next() { return reader_->next(); }
void stream_parser::rest() { reader_->rest(); }
std::size_t stream_parser::unfinished() const noexcept { return reader_->unfinished(); }

std::expected<element, stream_error> parse_element(std::string_view text, const parser_limits& limits) {
  stream_parser::reader reader(limits);
  reader.whole_text();
  if (auto fed = reader.feed(text); !fed) return std::unexpected(std::move(fed.error()));
  if (auto ended = reader.finish(); !ended) return std::unexpected(std::move(ended.error()));
  return std::get<element>(std::move(*reader.next()));
}

} // namespace coppice::xml

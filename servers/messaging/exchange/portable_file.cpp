#include "servers/messaging/exchange/portable_file.hpp"

#include "servers/xml/stream_parser.hpp"
#include "servers/xmpp/namespaces.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>

namespace coppice::messaging::exchange {
namespace {

namespace ns = xmpp::ns;

constexpr std::string_view xinclude = "http://www.w3.org/2001/XInclude";
/// Of one piece: a message, a vCard with its picture.
constexpr xml::parser_limits limits{.stanza = std::size_t{16} << 20U, .depth = 100, .parts = 1'000'000};
/// The file, that of a host, that of a user.
constexpr std::size_t deepest = 3;

bool is_container(const xml::element& e) {
  if (e.ns() == portable_ns)
    return e.name() == "host" || e.name() == "user" || e.name() == "offline-messages";
  return e.is(portable_archive_ns, "archive") || e.is(ns::private_storage, "query") ||
         e.is(ns::pubsub, "pubsub") || e.is(ns::pubsub, "items");
}

class file_reader {
public:
  explicit file_reader(portable_reader& to) : to_(to) {}

  std::expected<void, std::string> read(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in || std::filesystem::is_directory(file)) {
      return std::unexpected(
          fmt::format("cannot read '{}': {}", file.string(), in ? "it is a folder" : std::strerror(errno)));
    }
    xml::stream_parser parser(limits, &is_container);
    std::vector<char> buffer(std::size_t{64} << 10U);
    bool closed = false;
    while (in.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || in.gcount() > 0) {
      const auto fed = parser.feed(std::string_view(buffer.data(), static_cast<std::size_t>(in.gcount())));
      while (auto event = parser.next()) {
        closed = std::holds_alternative<xml::stream_closed>(*event);
        if (auto well = take(std::move(*event), file); !well) return well;
      }
      if (!fed) return std::unexpected(fmt::format("'{}': {}", file.string(), fed.error().text));
    }
    if (!closed)
      return std::unexpected(fmt::format("'{}' ends before its end: it is cut off", file.string()));
    return {};
  }

private:
  std::expected<void, std::string> take(xml::stream_event event, const std::filesystem::path& file) {
    if (auto* root = std::get_if<xml::stream_opened>(&event)) return open(root->head, file);
    if (auto* head = std::get_if<xml::container_opened>(&event)) return open(head->head, file);
    if (auto* e = std::get_if<xml::element>(&event)) {
      if (e->is(xinclude, "include")) return include(std::string(e->get("href")), file);
      to_.part(std::move(*e));
      return {};
    }
    open_.pop_back();
    if (!open_.empty()) to_.ends();
    return {};
  }

  std::expected<void, std::string> open(const xml::element& head, const std::filesystem::path& file) {
    static constexpr std::array<std::string_view, 3> order{"server-data", "host", "user"};
    if (open_.size() < order.size() && !head.is(portable_ns, order.at(open_.size()))) {
      return std::unexpected(
          fmt::format("'{}': where <{} xmlns='{}'> should begin there is <{} xmlns='{}'>: it "
                      "is no file of XEP-0227",
                      file.string(), order.at(open_.size()), portable_ns, head.name(), head.ns()));
    }
    if (!open_.empty()) to_.begins(head);
    open_.push_back(head.name());
    return {};
  }

  std::expected<void, std::string> include(const std::string& href, const std::filesystem::path& file) {
    const std::filesystem::path name(href);
    bool climbs = name.empty() || name.is_absolute() || href.find(':') != std::string::npos;
    for (const auto& step : name) climbs = climbs || step == "..";
    if (climbs || depth_ + 1 >= deepest || open_.size() >= deepest) {
      return std::unexpected(
          fmt::format("'{}' includes '{}': only files below its own folder may be included, "
                      "for hosts and for users",
                      file.string(), href));
    }
    ++depth_;
    auto well = read(file.parent_path() / name);
    --depth_;
    return well;
  }

  portable_reader& to_;
  std::vector<std::string> open_;
  std::size_t depth_ = 0;
};

} // namespace

std::expected<void, std::string> read_portable(const std::string& file, portable_reader& reader) {
  return file_reader(reader).read(file);
}

} // namespace coppice::messaging::exchange

#include "servers/xmpp/framing.hpp"

#include "servers/xmpp/namespaces.hpp"

namespace coppice::xmpp {
namespace {

void append_attribute(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  // An element of its own does the escaping.
  xml::element one("", "a");
  one.set(name, value);
  std::string text = one.to_string();
  out.append(text, 2, text.size() - 4);
}

/// Of the namespace of streams: written with the prefix, as clients know it that look for the prefix alone.
void append_stream_element(std::string& out, framing frames, const xml::element& e) {
  out += "<stream:";
  out += e.name();
  if (frames == framing::websocket) {
    out += " xmlns:stream=\"";
    out += ns::streams;
    out += '"';
  }
  for (const xml::attribute& a : e.attributes()) append_attribute(out, a.name, a.value);
  out += '>';
  for (const xml::element* child : e.children()) {
    child->append_to(out, frames == framing::tcp ? ns::client : std::string_view());
  }
  out += "</stream:";
  out += e.name();
  out += '>';
}

} // namespace

std::string opening(framing frames, const stream_head& head) {
  std::string out =
      frames == framing::tcp ? "<?xml version='1.0'?><stream:stream xmlns=\"" : "<open xmlns=\"";
  if (frames == framing::tcp) {
    out += ns::client;
    out += "\" xmlns:stream=\"";
    out += ns::streams;
  } else {
    out += ns::framing;
  }
  out += "\" version=\"1.0\" xml:lang=\"en\"";
  append_attribute(out, "id", head.id);
  append_attribute(out, "from", head.from);
  append_attribute(out, "to", head.to);
  out += frames == framing::tcp ? ">" : "/>";
  return out;
}

void append_framed(std::string& out, framing frames, const xml::element& e) {
  if (e.ns() == ns::streams) return append_stream_element(out, frames, e);
  e.append_to(out, frames == framing::tcp ? ns::client : std::string_view());
}

std::string framed(framing frames, const xml::element& e) {
  std::string out;
  append_framed(out, frames, e);
  return out;
}

std::string_view closing(framing frames) noexcept {
  return frames == framing::tcp ? "</stream:stream>"
                                : "<close xmlns=\"urn:ietf:params:xml:ns:xmpp-framing\"/>";
}

std::string closing_elsewhere(std::string_view uri) {
  return xml::element(ns::framing, "close").set("see-other-uri", uri).to_string();
}

xml::element see_other_host(std::string_view where) {
  xml::element error(ns::streams, "error");
  error.add(xml::element(ns::stream_errors, "see-other-host").add_text(where));
  return error;
}

xml::element stream_error_element(std::string_view condition, std::string_view text) {
  xml::element error(ns::streams, "error");
  error.add(xml::element(ns::stream_errors, condition));
  if (!text.empty()) {
    xml::element said(ns::stream_errors, "text");
    said.set(xml::xml_namespace, "lang", "en").add_text(text);
    error.add(std::move(said));
  }
  return error;
}

} // namespace coppice::xmpp

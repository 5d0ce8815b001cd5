#include "coppice/runtime/exit_reason.hpp"

#include "coppice/runtime/detail/throw_trace.hpp"
#include "coppice/term/text.hpp"

#include <boost/core/demangle.hpp>
#include <boost/stacktrace/frame.hpp>

#include <typeinfo>

namespace coppice {

using namespace literals;

exit_reason::exit_reason() : value_("normal"_atom) {}

exit_reason exit_reason::shutdown() { return exit_reason("shutdown"_atom); }
exit_reason exit_reason::shutdown(term detail) {
  return exit_reason(term::tuple("shutdown"_atom, std::move(detail)));
}
exit_reason exit_reason::kill() { return exit_reason("kill"_atom); }
exit_reason exit_reason::killed() { return exit_reason("killed"_atom); }
exit_reason exit_reason::noproc() { return exit_reason("noproc"_atom); }
exit_reason exit_reason::noconnection() { return exit_reason("noconnection"_atom); }
exit_reason exit_reason::timeout() { return exit_reason("timeout"_atom); }

exit_reason exit_reason::from_exception(const std::exception_ptr& error) {
  auto details = std::make_shared<crash_details>();
  try {
    std::rethrow_exception(error);
  } catch (const exit_exception& e) {
    return e.reason();
  } catch (const std::exception& e) {
    details->type = boost::core::demangle(typeid(e).name());
    details->text = e.what();
  } catch (...) { // catch-all: whatever was thrown becomes the reason
    const std::type_info* type = detail::current_exception_type();
    details->type = type == nullptr ? "unknown" : boost::core::demangle(type->name());
  }
  details->frames = detail::throw_frames(error);
  term value = term::tuple(atom(std::string_view(details->type).substr(0, atom::max_characters)),
                           term::binary(details->text));
  return exit_reason(std::move(value), std::move(details));
}

bool exit_reason::is(std::string_view name) const noexcept {
  return value_.is_atom() && value_.as_atom()->name() == name;
}

bool exit_reason::is_clean() const noexcept {
  if (is("normal") || is("shutdown")) return true;
  if (!value_.is_tuple()) return false;
  auto elements = value_.elements();
  return elements.size() == 2 && elements[0].is_atom() && elements[0].as_atom()->name() == "shutdown";
}

std::string exit_reason::to_string(std::size_t limit) const {
  return coppice::to_string(value_, text_options{.limit = limit});
}

std::vector<std::string> crash_details::stack() const {
  std::vector<std::string> lines;
  lines.reserve(frames.size());
  for (void* address : frames) {
    boost::stacktrace::frame frame(address);
    std::string name = frame.name();
    lines.push_back(name.empty() ? fmt::format("{}", address) : std::move(name));
  }
  return lines;
}

void exit(exit_reason reason) { throw exit_exception(std::move(reason)); }

} // namespace coppice

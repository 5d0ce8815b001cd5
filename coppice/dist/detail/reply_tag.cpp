#include "coppice/dist/detail/reply_tag.hpp"

namespace coppice::dist::detail {

using namespace literals;

std::optional<asker> asker_of(const term& from) {
  if (!from.is_tuple(2)) return std::nullopt;
  const std::optional<pid> caller = from.elements()[0].as_pid();
  if (!caller) return std::nullopt;
  return asker{*caller, from.elements()[1]};
}

std::optional<reference> alias_of(const term& tag) {
  if (!tag.is_list() || tag.is_nil()) return std::nullopt;
  const term& head = tag.head();
  if (head.is_atom("alias"_atom)) return tag.tail().as_reference();
  if (!head.is_list() || head.is_nil() || !head.head().is_atom("alias"_atom)) return std::nullopt;
  return head.tail().as_reference();
}

std::optional<reference> reference_of(const term& tag) {
  if (tag.is_reference()) return tag.as_reference();
  return alias_of(tag);
}

} // namespace coppice::dist::detail

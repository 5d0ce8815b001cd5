#include "coppice/otp/server_name.hpp"

namespace coppice {

using namespace literals;

std::optional<pid> server_name::resolve() const {
  if (const pid* p = std::get_if<pid>(&target_)) return *p;
  if (const atom* name = std::get_if<atom>(&target_)) return whereis(*name);
  if (const via* v = std::get_if<via>(&target_)) return v->registry->whereis_name(v->name);
  if (const auto* r = std::get_if<remote_name>(&target_)) return coppice::resolve(*r);
  return std::nullopt;
}

std::optional<pid> server_name::claim(pid process) const {
  if (const atom* name = std::get_if<atom>(&target_)) {
    if (register_name(*name, process)) return std::nullopt;
    return whereis(*name).value_or(pid());
  }
  if (const via* v = std::get_if<via>(&target_)) {
    if (v->registry->register_name(v->name, process)) return std::nullopt;
    return v->registry->whereis_name(v->name).value_or(pid());
  }
  return std::nullopt;
}

void server_name::give_up() const {
  if (const atom* name = std::get_if<atom>(&target_)) unregister_name(*name);
  if (const via* v = std::get_if<via>(&target_)) v->registry->unregister_name(v->name);
}

term server_name::as_term() const {
  if (const pid* p = std::get_if<pid>(&target_)) return *p;
  if (const atom* name = std::get_if<atom>(&target_)) return *name;
  if (const via* v = std::get_if<via>(&target_)) return term::tuple("via"_atom, "registry"_atom, v->name);
  if (const auto* r = std::get_if<remote_name>(&target_)) return term::tuple(r->name, r->node);
  return "undefined"_atom;
}

} // namespace coppice

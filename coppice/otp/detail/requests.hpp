// Requests to the behaviours that Coppice itself has: by type on this node, as terms from elsewhere.
#pragma once

#include "coppice/runtime/call.hpp"
#include "coppice/runtime/message.hpp"

#include <optional>
#include <utility>

namespace coppice::detail {

/// The request if it is a Request, moved out of its envelope; else nothing, and the envelope is as it was.
template <class Request>
std::optional<Request> request_of(envelope& e) {
  if (e.form != message_form::call) return std::nullopt;
  if (e.ops->type->hash == type_hash<Request>()) return std::move(e.as<Request>());
  if constexpr (has_term_form<Request>) {
    if (e.ops->type->hash == type_hash<term>()) return decode<Request>(e.as<term>());
  }
  return std::nullopt;
}

} // namespace coppice::detail

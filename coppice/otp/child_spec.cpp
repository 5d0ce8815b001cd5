#include "coppice/otp/child_spec.hpp"

#include <fmt/core.h>

#include <limits>
#include <unordered_set>
#include <utility>

namespace coppice {
namespace {

std::unexpected<spec_error> refuse(spec_fault fault, std::string message,
                                   std::optional<child_id> child = {}) {
  return std::unexpected(spec_error{fault, std::move(message), std::move(child)});
}

} // namespace

std::expected<void, spec_error> check_flags(const supervisor_flags& flags) {
  if (flags.intensity < 0 || flags.intensity > std::numeric_limits<std::uint32_t>::max()) {
    return refuse(spec_fault::invalid_intensity,
                  fmt::format("supervisor flags: intensity is {}; give 0 to 4294967295", flags.intensity));
  }
  if (flags.period <= flags.period.zero()) {
    return refuse(
        spec_fault::invalid_period,
        fmt::format("supervisor flags: period is {} ms; give more than 0 ms", flags.period.count()));
  }
  if (flags.strategy == strategy::simple_one_for_one && flags.auto_shutdown != auto_shutdown::never) {
    return refuse(spec_fault::bad_combination,
                  "supervisor flags: auto_shutdown under simple_one_for_one; its children come and go, so "
                  "leave it at never");
  }
  return {};
}

std::expected<void, spec_error> check_child_spec(const child_spec& spec, auto_shutdown mode) {
  if (spec.start == nullptr) {
    return refuse(spec_fault::missing_start, "child spec: start is missing; give a start function", spec.id);
  }
  if (spec.significant && mode == auto_shutdown::never) {
    return refuse(spec_fault::bad_combination,
                  "child spec: significant with auto_shutdown never; set the supervisor's auto_shutdown to "
                  "any_significant or all_significant",
                  spec.id);
  }
  if (spec.significant && spec.restart == restart::permanent) {
    return refuse(spec_fault::bad_combination,
                  "child spec: significant with restart permanent; make it transient or temporary", spec.id);
  }
  if (spec.shutdown && spec.shutdown->wait().count() < 0) {
    return refuse(spec_fault::invalid_shutdown,
                  fmt::format("child spec: shutdown is {} ms; give 0 ms or more, infinity or brutal_kill",
                              spec.shutdown->wait().count()),
                  spec.id);
  }
  return {};
}

std::expected<void, spec_error> check_child_specs(const std::vector<child_spec>& specs, auto_shutdown mode) {
  std::unordered_set<child_id> seen;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    if (auto one = check_child_spec(specs[i], mode); !one) {
      spec_error error = std::move(one.error());
      error.message = fmt::format("child {}: {}", i + 1, error.message);
      return std::unexpected(std::move(error));
    }
    if (!seen.insert(specs[i].id).second) {
      return refuse(spec_fault::duplicate_child_name,
                    fmt::format("child {}: child spec: an earlier child has this id; make it unique", i + 1),
                    specs[i].id);
    }
  }
  return {};
}

const char* to_string(supervisor_error e) noexcept {
  switch (e) {
  case supervisor_error::already_started: return "already_started";
  case supervisor_error::already_present: return "already_present";
  case supervisor_error::running: return "running";
  case supervisor_error::restarting: return "restarting";
  case supervisor_error::not_found: return "not_found";
  case supervisor_error::simple_one_for_one: return "simple_one_for_one";
  case supervisor_error::start_failed: return "start_failed";
  case supervisor_error::bad_child_spec: return "bad_child_spec";
  case supervisor_error::no_answer: return "no_answer";
  }
  return "unknown";
}

} // namespace coppice

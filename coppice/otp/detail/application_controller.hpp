// The application controller: knows the applications, has one master process for each that runs, and is the
// root of the node.
#pragma once

#include "coppice/otp/application.hpp"
#include "coppice/otp/detail/gen_process.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace coppice::detail {

// What it is asked. With constructors, so that they may be built in an awaited expression.
namespace app_asked {
/// A term or none: `undefined` is a term too, so an optional could not travel.
using maybe_term = std::vector<term>;

struct load {
  explicit load(application_spec s) : spec(std::move(s)) {}
  application_spec spec;
};
struct unload {
  explicit unload(std::string n) : name(std::move(n)) {}
  std::string name;
};
struct start {
  start(std::string n, application_type t) : name(std::move(n)), type(t) {}
  std::string name;
  application_type type;
};
struct stop {
  explicit stop(std::string n) : name(std::move(n)) {}
  std::string name;
};
struct which_applications {};
struct loaded_applications {};
struct get_spec {
  explicit get_spec(std::string n) : name(std::move(n)) {}
  std::string name;
};
struct get_env {
  get_env(std::string n, std::string k) : name(std::move(n)), key(std::move(k)) {}
  std::string name, key;
};
struct get_all_env {
  explicit get_all_env(std::string n) : name(std::move(n)) {}
  std::string name;
};
struct set_env {
  set_env(std::string n, std::string k, maybe_term v)
      : name(std::move(n)), key(std::move(k)), value(std::move(v)) {}
  std::string name, key;
  maybe_term value; ///< none: it is taken away
};
struct application_of {
  explicit application_of(pid m) : master(m) {}
  pid master;
};
struct graph {};
/// What `ensure_all_started` needs to know of each loaded application.
struct node {
  std::string name;
  std::vector<std::string> needs, likes;
  bool running = false;
};
} // namespace app_asked

std::unique_ptr<gen_process> make_application_controller();

/// The process above an application's top supervisor: the group leader of all its processes (OTP: the
/// application master). Up when the top is.
std::unique_ptr<gen_process> make_application_master(std::shared_ptr<const application_spec> spec);

} // namespace coppice::detail

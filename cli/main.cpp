// The one program, `coppice`.
#include "cli/lone_node.hpp"
#include "cli/messaging.hpp"
#include "cli/options.hpp"
#include "cli/remote.hpp"
#include "cli/run.hpp"

#include <cstdio>
#include <exception>
#include <string>
#include <variant>
#include <vector>

int main(int argc, char** argv) {
  try {
    auto parsed = coppice::cli::parse_command_line(std::vector<std::string>(argv + 1, argv + argc));
    if (const auto* say = std::get_if<coppice::cli::just_say>(&parsed)) {
      std::fputs(say->text.c_str(), say->status == 0 ? stdout : stderr);
      return say->status;
    }
    if (const auto* node = std::get_if<coppice::cli::membership_options>(&parsed)) {
      return coppice::cli::run_lone_node(*node);
    }
    if (const auto* asked = std::get_if<coppice::cli::remote_options>(&parsed)) {
      return coppice::cli::ask_remote(*asked);
    }
    if (const auto* users = std::get_if<coppice::cli::user_options>(&parsed)) {
      return coppice::cli::administer_users(*users);
    }
    return coppice::cli::run(std::get<coppice::cli::run_options>(parsed));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "coppice: %s\n", e.what());
    return coppice::cli::status_failed;
  }
}

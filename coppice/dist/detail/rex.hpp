// The servers that every node of a cluster is expected to have: `rex`, which calls functions for nodes that
// do not spawn processes for that, and `user`, to which processes of other nodes print. OTP: modules rpc,
// user.
#pragma once

#include "coppice/dist/functions.hpp"
#include "coppice/otp/gen_server.hpp"

#include <memory>

namespace coppice::dist::detail {

class rex : public gen_server {
public:
  explicit rex(std::shared_ptr<const function_table> functions) : functions_(std::move(functions)) {}
  result<term> handle_call(const term& request, from who);
  void handle_cast(const term& message);
  void handle_info(const term& message);

private:
  std::shared_ptr<const function_table> functions_;
};

/// What it is told to print becomes a report, `printed`, of the level `notice`.
class user : public gen_server {
public:
  void handle_info(const term& message);

private:
  [[nodiscard]] term answer(pid from, const term& request);
  [[nodiscard]] term print(pid from, const term& characters);
};

} // namespace coppice::dist::detail

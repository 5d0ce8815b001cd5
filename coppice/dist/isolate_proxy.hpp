// The process that stands for the child of an isolate.
#pragma once

#include "coppice/dist/detail/network.hpp"
#include "coppice/dist/isolate.hpp"
#include "coppice/dist/isolate_process.hpp"
#include "coppice/otp/detail/gen_process.hpp"

#include <memory>
#include <optional>

namespace coppice::dist::detail {

/// Passes on what it gets. It ends after the OS process has, and not before: whoever sees it end, as its
/// supervisor does, can rely on that nothing of it is left.
class isolate_proxy final : public coppice::detail::gen_process {
public:
  explicit isolate_proxy(isolate_plan plan) : plan_(std::move(plan)) {}
  [[nodiscard]] std::string_view label() const noexcept override { return plan_.label; }

protected:
  void on_init() override;
  void on_message(message_ptr message) override;
  void on_end(exit_reason reason) override;
  void on_terminate(const exit_reason&) override {}
  [[nodiscard]] term state_as_term() const override;
  bool replace_state(const term&) override { return false; }
  std::optional<exit_reason> on_code_change(const term&, const term&) override { return std::nullopt; }
  [[nodiscard]] atom module() const override;

private:
  task<> start_up();
  void started_up();
  [[nodiscard]] isolate_order order(network& all, const atom& name, std::uint32_t creation) const;
  void take(const isolate_up& news);
  void take(isolate_failed& news);
  void take(isolate_over& news);
  void take(coppice::exit_signal& news);
  void disconnect();

  isolate_plan plan_;
  pid_t os_process_ = 0;
  pid carrier_; ///< has the connection
  pid keeper_;  ///< started the child
  pid child_;
  bool connected_ = false;
  bool over_ = false;
  std::optional<exit_reason> why_; ///< of the end, once it is known
};

} // namespace coppice::dist::detail

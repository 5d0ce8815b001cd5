#include "cli/reload.hpp"

#include "cli/config_file.hpp"

#include <algorithm>
#include <csignal>
#include <ctime>
#include <unistd.h>

namespace coppice::cli {
namespace {

sigset_t reloading_signal() {
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, SIGHUP);
  return one;
}

/// Without its end of line.
std::string trimmed(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

void add(report& about, std::string name, const std::string& text) {
  about.fields.emplace_back(std::move(name), term(text));
}

} // namespace

void hold_reloading_signal() {
  const sigset_t held = reloading_signal();
  pthread_sigmask(SIG_BLOCK, &held, nullptr);
}

reloader::reloader(node& home, run_options running, std::optional<messaging::host> server)
    : home_(home), running_(std::move(running)), server_(std::move(server)),
      has_terminal_(isatty(STDIN_FILENO) != 0) {}

void reloader::tend() {
  const sigset_t wanted = reloading_signal();
  const timespec now{};
  if (sigtimedwait(&wanted, nullptr, &now) != SIGHUP) return;
  if (has_terminal_ && isatty(STDIN_FILENO) == 0) { // it is gone, and that is what the signal says
    home_.request_stop(0);
    return;
  }
  reload();
}

void reloader::reload() {
  command told = parse_command_line(running_.told);
  // One report for all: the log writes few of those that are alike.
  report about{severity::notice, "reload", pid(), {}, {}};
  if (const auto* wrong = std::get_if<just_say>(&told)) {
    about.level = severity::error;
    add(about, "what", "not reloaded");
    add(about, "why", trimmed(wrong->text));
  } else if (const auto* options = std::get_if<run_options>(&told)) {
    add(about, "what", "reloaded");
    read_certificate(about);
    take(*options, about);
  }
  home_.report(about);
}

void reloader::read_certificate(report& about) {
  if (!server_ || !server_->tls()) return;
  const auto done = server_->tls()->reload();
  if (!done) about.level = severity::error;
  add(about, "certificate", done ? "read again" : "not read, the old one is kept: " + done.error());
}

void reloader::take(const run_options& told, report& about) {
  file_options before = as_file(running_);
  file_options after = as_file(told);
  for (const config::difference& one : config::differences(described(before), described(after))) {
    const bool live = one.takes == config::change::live;
    if (!live) about.level = std::max(about.level, severity::warning);
    add(about, one.path, one.before + " -> " + one.after + (live ? "" : ", at the next start"));
  }
  if (server_ && told.messaging && running_.messaging) {
    server_->change(messaging::reloaded(server_->how(), told.messaging->how));
    running_.messaging->how = messaging::reloaded(running_.messaging->how, told.messaging->how);
  }
}

} // namespace coppice::cli

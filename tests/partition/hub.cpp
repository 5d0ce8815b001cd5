#include "tests/partition/hub.hpp"

#include "tests/partition/traffic.hpp"

#include <algorithm>
#include <variant>

namespace coppice::partition {

using namespace literals;

namespace {

process target(self me, pid home) {
  trap_exit(true);
  for (;;) {
    std::variant<exit_signal, term> got = co_await me.receive<exit_signal, term>();
    if (const auto* gone = std::get_if<exit_signal>(&got)) {
      send(home, term::tuple("broken"_atom, me.id(), gone->from));
      continue;
    }
    const term& message = std::get<term>(got);
    if (message.is_tagged("hello"_atom, 2)) {
      send(*message.elements()[1].as_pid(), term::tuple("here"_atom, me.id()));
    } else if (message.is_tagged("end"_atom, 2)) {
      exit(exit_reason(message.elements()[1]));
    }
  }
}

void end(pid process, const atom& reason) { send(process, term::tuple("end"_atom, reason)); }

} // namespace

result<term> hub::handle_call(const term& request, from who) {
  const std::span<const term> parts = request.elements();
  if (request.is_tagged("targets"_atom, 2)) {
    who.reply(make_targets(*parts[1].as_int64()));
  } else if (request.is_atom("sink"_atom)) {
    sinks_.push_back(spawn(&sink));
    who.reply(term(sinks_.back()));
  } else if (request.is_tagged("echo"_atom, 2)) {
    who.reply(parts[1]);
  } else if (request.is_atom("hold"_atom)) {
    held_.push_back(std::move(who));
  } else if (request.is_tagged("die"_atom, 2)) {
    end_targets(*parts[1].as_int64());
    who.reply("ok"_atom);
  } else if (request.is_tagged("broken"_atom, 2)) {
    awaited_ = static_cast<std::size_t>(*parts[1].as_int64());
    asks_ = std::move(who);
    answer_broken();
  } else if (request.is_atom("done"_atom)) {
    done();
    who.reply("ok"_atom);
  } else {
    who.fail(exit_reason("bad_request"_atom));
  }
  return {};
}

void hub::handle_info(const term& message) {
  if (!message.is_tagged("broken"_atom, 3)) return;
  ++broken_[{*message.elements()[1].as_pid(), *message.elements()[2].as_pid()}];
  answer_broken();
}

term hub::make_targets(std::int64_t count) {
  std::vector<term> made;
  for (; count > 0; --count) {
    targets_.push_back(spawn(&target, self_pid()));
    made.emplace_back(targets_.back());
  }
  return term::list_from(std::move(made));
}

void hub::end_targets(std::int64_t count) {
  for (const pid p : targets_) {
    if (count-- > 0) end(p, "planned"_atom);
  }
}

void hub::done() {
  for (const std::vector<pid>* all : {&targets_, &sinks_}) {
    for (const pid p : *all) end(p, "normal"_atom);
  }
  targets_.clear();
  sinks_.clear();
  held_.clear();
  broken_.clear();
}

void hub::answer_broken() {
  if (!asks_ || broken_.size() < awaited_) return;
  const auto doubled = std::ranges::count_if(broken_, [](const auto& one) { return one.second > 1; });
  std::exchange(asks_, from()).reply(term::tuple(broken_.size(), doubled));
}

} // namespace coppice::partition

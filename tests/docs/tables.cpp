// docs/tables.md
#include "coppice/runtime/persistent.hpp"
#include "coppice/runtime/table.hpp"

using namespace coppice;

struct session {
  int number;
};
void greet(const session& s);

void own() {
  auto sessions = table<std::string, session>::make();
  sessions.insert("bob", session{1});

  std::optional<session> s = sessions.lookup("bob");
  sessions.visit("bob", [](const session& s) { greet(s); });
}

struct routes {
  std::vector<std::string> all;
};
routes load();

void configure() {
  persistent<routes> current(load());
  std::shared_ptr<const routes> r = current.get();
  current.put(load());
}

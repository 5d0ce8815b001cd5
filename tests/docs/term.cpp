// coppice/term/README.md
#include "coppice/term/term.hpp"
#include "coppice/term/describe.hpp"
#include "coppice/term/term_form.hpp"
#include "coppice/term/text.hpp"

using namespace coppice;
using namespace coppice::literals;

struct send_message {
  std::string user, text;
};
template <class T>
void use(const T& what);

void forms() {
  term t = to_term(send_message{"bob", "hi"});
  to_string(t);
  auto m = from_term<send_message>(t);
  auto bad = parse_term("{send_message,bob,42}");

  if (t.is_tagged("send_message"_atom, 3)) use(t.elements()[1].as_binary());
  for (const term& one : term::list(1, 2.5, "ok"_atom).items()) use(one);
}

// The lowest floor alone, by its own target.
#include <coppice/term/text.hpp>

int main() {
  auto read = coppice::parse_term("{ok, [1, 2]}");
  return read && coppice::to_string(*read) == "{ok,[1,2]}" ? 0 : 1;
}

// Any element as a form: what is read comes back from what is written of it, and what was checked is sound.
#include "servers/xml/stream_parser.hpp"
#include "servers/xmpp/data_form.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace coppice;
  const auto x = xml::parse_element(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!x) return 0;
  const auto form = xmpp::data_form::parse(*x);
  if (!form) return 0;
  const auto again = xmpp::data_form::parse(xmpp::to_element(*form));
  if (!again || *again != *form) std::abort();
  for (const xmpp::form_field& field : form->fields) {
    if (form->find(field.var) != &field) return 0; // a question asked twice has two answers
  }
  xmpp::data_form submitted = *form;
  submitted.kind = xmpp::form_kind::submit;
  const auto answers = xmpp::checked_answers(*form, submitted);
  if (answers && xmpp::checked_answers(*form, *answers) != answers) std::abort();
  return 0;
}

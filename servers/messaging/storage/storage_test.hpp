// What the tests of the storage share: the tables, empty, on both kinds of database.
#pragma once

#include "coppice/store/detail/store_test.hpp"
#include "servers/messaging/storage/schema.hpp"
#include "servers/xmpp/jid.hpp"

#include <stdexcept>
#include <string>
#include <utility>

namespace coppice::messaging::storage {

class on_tables : public store::testing::on_both {
protected:
  on_tables() : db_(must_open(options())) {}

  /// What the work gives; a failure is an exception.
  template <class F>
  auto in(F work) {
    auto r = db_.write_now(std::move(work));
    if (!r) throw std::runtime_error(r.error().text);
    if constexpr (!std::is_void_v<typename decltype(r)::value_type>) return *std::move(r);
  }
  [[nodiscard]] const store::database& db() const noexcept { return db_; }

private:
  store::database_options options() {
    store::database_options options = at();
    options.schema = schema_name;
    options.migrations = migrations();
    options.durable = store::durability::normal;
    return options;
  }
  store::database db_;
};

inline xmpp::jid jid(std::string_view text) { return xmpp::jid::parse(text).value(); }
/// So many microseconds after 1970.
inline instant at_us(std::int64_t us) { return from_column(us); }

} // namespace coppice::messaging::storage

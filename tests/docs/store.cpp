// coppice/store/README.md
#include "coppice/runtime/api.hpp"
#include "coppice/store/database.hpp"

using namespace coppice;

namespace {

task<std::int64_t> add_note(self, store::database db, std::string text) {
  auto work = [text](store::transaction& t) {
    t.execute("INSERT INTO note (what) VALUES ($1)", text);
    return t.query("SELECT count(*) FROM note")[0].get<std::int64_t>(0);
  };
  std::expected<std::int64_t, store::error> count = co_await db.write(work); // committed
  co_return count.value_or(0);
}

void open(const store::database_options& options) {
  auto opened = store::database::open(options); // options.where: "notes.db" or "postgresql://user@host/name"
}

} // namespace

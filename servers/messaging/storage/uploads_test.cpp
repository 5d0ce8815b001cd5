#include "servers/messaging/storage/uploads.hpp"

#include "servers/messaging/storage/accounts.hpp"
#include "servers/messaging/storage/storage_test.hpp"

#include <gmock/gmock.h>

namespace coppice::messaging::storage {
namespace {

using store::transaction;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class an_upload : public on_tables {
protected:
  void promise(const std::string& id, std::int64_t at, std::uint64_t size = 10,
               const std::string& owner = "a@h") {
    in([&](transaction& t) { promise_upload(t, {id, owner, {id + ".png", size, "image/png"}, at_us(at)}); });
  }
  bool begin(const std::string& id, const std::string& type = "image/png") {
    return in([&](transaction& t) { return begin_upload(t, id, type); });
  }
  bool finish(const std::string& id) {
    return in([&](transaction& t) { return finish_upload(t, id); });
  }
  std::optional<stored_upload> find(const std::string& id) {
    return in([&](transaction& t) { return find_upload(t, id); });
  }
  std::vector<std::string> old(upload_state state, std::int64_t before, std::size_t most = 9) {
    return in([&](transaction& t) { return old_uploads(t, state, at_us(before), most); });
  }
  std::vector<std::uint64_t> uses(std::int64_t since, std::int64_t promised) {
    std::vector<std::uint64_t> sizes;
    auto all = in([&](transaction& t) { return upload_uses(t, "a@h", at_us(since), at_us(promised)); });
    for (const xmpp::upload_use& one : all) sizes.push_back(one.size);
    return sizes;
  }
};
COPPICE_ON_BOTH(an_upload);

TEST_P(an_upload, is_promised_begun_and_finished_once) {
  promise("x", 5, 5'000'000'000);
  ASSERT_TRUE(find("x"));
  EXPECT_EQ(find("x")->owner, "a@h");
  EXPECT_EQ(find("x")->file, (xmpp::upload_request{"x.png", 5'000'000'000, "image/png"}));
  EXPECT_EQ(find("x")->asked, at_us(5));
  EXPECT_EQ(find("x")->state, upload_state::promised);
  EXPECT_FALSE(finish("x")) << "it was not begun";
  EXPECT_TRUE(begin("x", "image/gif"));
  EXPECT_FALSE(begin("x"));
  EXPECT_EQ(find("x")->state, upload_state::arriving);
  EXPECT_EQ(find("x")->file.type, "image/gif");
  EXPECT_TRUE(finish("x"));
  EXPECT_FALSE(finish("x"));
  EXPECT_FALSE(begin("x"));
  EXPECT_EQ(find("x")->state, upload_state::stored);
  in([](transaction& t) { remove_upload(t, "x"); });
  EXPECT_FALSE(find("x"));
  EXPECT_FALSE(begin("x"));
  EXPECT_FALSE(finish("x"));
}

TEST_P(an_upload, counts_against_its_owner_for_a_while) {
  promise("old", 1, 1);
  promise("promised", 20, 2);
  promise("arriving", 15, 4);
  promise("stored", 12, 8);
  promise("other", 20, 16, "b@h");
  begin("arriving");
  begin("stored");
  finish("stored");
  EXPECT_THAT(uses(10, 19), ElementsAre(8, 4, 2));
  EXPECT_THAT(uses(10, 20), ElementsAre(8, 4)) << "nobody came for what was promised";
  EXPECT_THAT(uses(0, 0), ElementsAre(1, 8, 4, 2));
  EXPECT_THAT(uses(20, 0), IsEmpty());
}

TEST_P(an_upload, grows_old_by_its_state) {
  promise("b", 2);
  promise("a", 1);
  promise("stored", 1);
  begin("stored");
  finish("stored");
  EXPECT_THAT(old(upload_state::promised, 3), ElementsAre("a", "b"));
  EXPECT_THAT(old(upload_state::promised, 3, 1), ElementsAre("a"));
  EXPECT_THAT(old(upload_state::promised, 2), ElementsAre("a"));
  EXPECT_THAT(old(upload_state::arriving, 3), IsEmpty());
  EXPECT_THAT(old(upload_state::stored, 3), ElementsAre("stored"));
  EXPECT_THAT(old(upload_state::stored, 1), IsEmpty());
}

TEST_P(an_upload, goes_next_when_its_owner_has_gone) {
  in([](transaction& t) { create_account(t, "a@h", {}, at_us(1)); });
  promise("mine", 1'000'000);
  promise("other", 1'000'000, 10, "b@h");
  EXPECT_TRUE(in([](transaction& t) { return remove_account(t, "a@h"); }));
  EXPECT_THAT(old(upload_state::promised, 5), ElementsAre("mine"));
  EXPECT_EQ(find("mine")->owner, "");
  EXPECT_THAT(uses(0, 0), IsEmpty());
}

} // namespace
} // namespace coppice::messaging::storage

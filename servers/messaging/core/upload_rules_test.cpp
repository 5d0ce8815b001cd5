#include "servers/messaging/core/upload_rules.hpp"

#include <gtest/gtest.h>

namespace coppice::messaging {
namespace {

using namespace std::chrono_literals;
using storage::stored_upload;
using storage::upload_state;

constexpr xmpp::instant asked{std::chrono::hours(1'000'000)};

stored_upload picture(upload_state state = upload_state::promised) {
  return {.id = "12345678901234567890",
          .owner = "a@h",
          .file = {"a b.png", 100, "image/png"},
          .asked = asked,
          .state = state};
}

// XEP-0363, 7 and 8
TEST(a_promise, is_good_for_this_file_for_a_while) {
  const auto send = [](const std::optional<stored_upload>& promised, std::string_view name,
                       std::uint64_t size, std::string_view type,
                       xmpp::instant at) { return judge_sending(promised, name, size, type, at); };
  EXPECT_EQ(send(picture(), "a b.png", 100, "image/png", asked), upload_verdict::welcome);
  EXPECT_EQ(send(picture(), "a b.png", 100, "", asked + 5min), upload_verdict::welcome);
  EXPECT_EQ(send(picture(), "a b.png", 100, "Image/PNG; x=y", asked), upload_verdict::welcome);
  EXPECT_EQ(send(picture(), "a b.png", 100, "", asked + 5min + 1us), upload_verdict::too_late);
  EXPECT_EQ(send(picture(), "a b.png", 101, "", asked), upload_verdict::too_large);
  EXPECT_EQ(send(picture(), "a b.png", 99, "", asked), upload_verdict::too_small);
  EXPECT_EQ(send(picture(), "a b.png", 100, "text/html", asked), upload_verdict::wrong_type);
  EXPECT_EQ(send(picture(), "a b.png", 100, "nonsense", asked), upload_verdict::wrong_type);
  EXPECT_EQ(send(picture(), "b.png", 100, "", asked), upload_verdict::unknown);
  EXPECT_EQ(send(std::nullopt, "a b.png", 100, "", asked), upload_verdict::unknown);
  EXPECT_EQ(send(picture(upload_state::arriving), "a b.png", 100, "", asked), upload_verdict::taken);
  EXPECT_EQ(send(picture(upload_state::stored), "a b.png", 100, "", asked), upload_verdict::taken);
  stored_upload orphan = picture();
  orphan.owner.clear();
  EXPECT_EQ(send(orphan, "a b.png", 100, "", asked), upload_verdict::unknown);
  stored_upload open = picture();
  open.file.type.clear();
  EXPECT_EQ(send(open, "a b.png", 100, "text/html", asked), upload_verdict::welcome);
}

TEST(a_file, is_fetched_when_it_is_whole_and_not_too_old) {
  const stored_upload whole = picture(upload_state::stored);
  EXPECT_TRUE(may_be_fetched(whole, "a b.png", 2, asked));
  EXPECT_TRUE(may_be_fetched(whole, "a b.png", 2, asked + 47h));
  EXPECT_FALSE(may_be_fetched(whole, "a b.png", 2, asked + 48h));
  EXPECT_FALSE(may_be_fetched(whole, "a.html", 2, asked));
  EXPECT_FALSE(may_be_fetched(picture(), "a b.png", 2, asked));
  EXPECT_FALSE(may_be_fetched(picture(upload_state::arriving), "a b.png", 2, asked));
  EXPECT_FALSE(may_be_fetched(std::nullopt, "a b.png", 2, asked));
}

// XEP-0363, 9.1
TEST(a_file, is_shown_only_if_that_is_harmless) {
  EXPECT_EQ(show({"a.png", 1, "image/png"}).type, "image/png");
  EXPECT_EQ(show({"a.png", 1, "image/png"}).disposition, "");
  EXPECT_EQ(show({"a.txt", 1, "text/plain"}).type, "text/plain; charset=utf-8");
  for (const char* type : {"text/html", "image/svg+xml", "application/pdf", "text/javascript", ""}) {
    EXPECT_EQ(show({"a \"b\".html", 1, type}).type, "application/octet-stream") << type;
    EXPECT_EQ(show({"a \"b\".html", 1, type}).disposition, "attachment; filename*=UTF-8''a%20%22b%22.html");
  }
}

TEST(an_upload_id, is_a_name_of_a_file_and_nothing_else) {
  EXPECT_TRUE(is_upload_id("abcXYZ0123456789-_ab"));
  EXPECT_FALSE(is_upload_id("abcXYZ0123456789-_a"));
  EXPECT_FALSE(is_upload_id("../../../etc/passwd0"));
  EXPECT_FALSE(is_upload_id("abcXYZ0123456789.png"));
  EXPECT_EQ(upload_path("x", "très cool.jpg"), "/upload/x/tr%C3%A8s%20cool.jpg");
}

} // namespace
} // namespace coppice::messaging

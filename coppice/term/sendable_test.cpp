#include "coppice/term/sendable.hpp"

#include <atomic>
#include <gtest/gtest.h>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace coppice::sendable_test {

struct message {
  std::string text;
  std::vector<std::map<int, std::string>> more;
  std::optional<std::unique_ptr<int>> owned;
};
struct has_view {
  int n;
  std::string_view text;
};
struct has_deep_pointer {
  std::vector<std::optional<std::pair<int, const char*>>> all;
};
struct has_mutable_shared {
  std::shared_ptr<int> shared;
};
struct has_constant_shared {
  std::shared_ptr<const std::string> shared;
};
struct tree {
  std::vector<tree> below;
  std::unique_ptr<tree> beside;
};
struct bad_tree {
  std::vector<bad_tree> below;
  int* pointer;
};
class opaque {
public:
  explicit opaque(int* p) : p_(p) {}
  [[nodiscard]] int get() const { return *p_; }

private:
  int* p_;
};
class refuses {};
struct handle {
  int* inside;
};

} // namespace coppice::sendable_test

template <>
struct coppice::enable_sendable<coppice::sendable_test::refuses> : std::false_type {};
template <>
struct coppice::enable_sendable<coppice::sendable_test::handle> : std::true_type {};

namespace coppice::sendable_test {
namespace {

TEST(sendable, values_are) {
  static_assert(sendable<int> && sendable<std::string> && sendable<term> && sendable<atom> && sendable<pid>);
  static_assert(sendable<message> && sendable<const message>);
  static_assert(sendable<std::variant<int, message>> && sendable<std::tuple<int, std::string>>);
  static_assert(sendable<std::unique_ptr<message>>);
  static_assert(sendable<has_constant_shared>);
  static_assert(sendable<tree>, "a recursive type is looked at once");
  static_assert(sendable<void (*)(int)>, "code is not state");
  require_sendable<message>();
}

TEST(sendable, views_pointers_and_shared_state_are_not) {
  static_assert(!sendable<int*> && !sendable<int&> && !sendable<std::string_view> && !sendable<const char*>);
  static_assert(!sendable<std::span<int>> && !sendable<std::reference_wrapper<int>>);
  static_assert(!sendable<has_view> && !sendable<has_deep_pointer> && !sendable<has_mutable_shared>);
  static_assert(!sendable<std::weak_ptr<int>> && !sendable<std::shared_ptr<const has_view>>);
  static_assert(!sendable<std::unique_ptr<has_view>> && !sendable<std::variant<int, has_view>>);
  static_assert(!sendable<std::map<int, std::string_view>> && !sendable<std::array<int*, 2>>);
  static_assert(!sendable<bad_tree>);
  static_assert(!sendable<std::mutex> && !sendable<std::atomic<int>>, "they cannot be moved");
}

TEST(sendable, a_class_is_taken_at_its_word) {
  static_assert(sendable<opaque>);
  static_assert(!sendable<refuses> && !sendable<std::vector<refuses>>);
  static_assert(sendable<handle>);
}

TEST(sendable, knows_the_reason) {
  using detail::unsendable;
  using detail::why_unsendable;
  EXPECT_EQ(why_unsendable<has_view>(), unsendable::view);
  EXPECT_EQ(why_unsendable<has_deep_pointer>(), unsendable::pointer);
  EXPECT_EQ(why_unsendable<has_mutable_shared>(), unsendable::shared);
  EXPECT_EQ(why_unsendable<std::vector<refuses>>(), unsendable::refused);
}

} // namespace
} // namespace coppice::sendable_test

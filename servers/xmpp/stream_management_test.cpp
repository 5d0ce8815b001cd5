#include "servers/xmpp/stream_management.hpp"

#include "servers/xml/stream_parser.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <string>

namespace coppice::xmpp {
namespace {

xml::element parsed(std::string_view text) { return xml::parse_element(text).value(); }
const instant now{std::chrono::seconds(1'000'000)};

void push(outbound_queue& queue, int count) {
  for (int i = 0; i < count; ++i) queue.push(std::to_string(queue.sent()), now);
}
std::vector<std::string> left(outbound_queue& queue) {
  std::vector<std::string> texts;
  for (const unacknowledged& one : queue.resumed()) texts.push_back(one.text);
  return texts;
}

// XEP-0198, 4
TEST(stream_management, what_is_handled_in_order_counts_at_once) {
  inbound_count in;
  EXPECT_EQ(in.count(), 0U);
  in.handled(in.received());
  in.handled(in.received());
  EXPECT_EQ(in.count(), 2U);
  EXPECT_EQ(in.open(), 0U);
}

TEST(stream_management, what_is_handled_early_counts_when_all_before_it_is) {
  inbound_count in;
  const auto a = in.received();
  const auto b = in.received();
  const auto c = in.received();
  in.handled(c);
  in.handled(b);
  in.handled(b); // a second time says nothing
  EXPECT_EQ(in.count(), 0U);
  EXPECT_EQ(in.open(), 3U);
  in.handled(a);
  EXPECT_EQ(in.count(), 3U);
  in.handled(a);
  in.handled(77); // never read
  EXPECT_EQ(in.count(), 3U);
  in.handled(in.received());
  EXPECT_EQ(in.count(), 4U);
}

TEST(stream_management, the_last_one_may_be_taken_back_if_it_is_not_handled) {
  inbound_count in;
  const auto a = in.received();
  const auto b = in.received();
  EXPECT_FALSE(in.take_back(a)) << "not the last";
  EXPECT_TRUE(in.take_back(b));
  EXPECT_EQ(in.open(), 1U);
  const auto c = in.received();
  EXPECT_EQ(c, b) << "it comes again";
  in.handled(c);
  EXPECT_FALSE(in.take_back(c)) << "it is handled, though not all before it are";
  in.handled(a);
  EXPECT_FALSE(in.take_back(c));
  EXPECT_EQ(in.count(), 2U);
  EXPECT_EQ(in.open(), 0U);
}

TEST(stream_management, any_order_of_handling_ends_at_the_same_count) {
  std::mt19937 random(198); // NOLINT(bugprone-random-generator-seed): the same on every run
  inbound_count in;
  std::vector<std::uint32_t> open;
  for (int step = 0; step < 20'000; ++step) {
    if (open.size() < 100 && (open.empty() || random() % 2 == 0)) {
      open.push_back(in.received());
    } else {
      std::swap(open[random() % open.size()], open.back());
      in.handled(open.back());
      open.pop_back();
    }
    const std::uint32_t expected = open.empty() ? in.count() + in.open() : *std::ranges::min_element(open);
    ASSERT_EQ(in.count(), expected);
  }
}

// XEP-0198, 4: after 2^32-1 comes 0
TEST(stream_management, counts_wrap) {
  outbound_queue out;
  push(out, 3);
  EXPECT_EQ(out.acknowledged(3).value(), 3U);
  EXPECT_EQ(out.acknowledged(0).value(), 0U) << "old, not 2^32 ahead";
  EXPECT_FALSE(out.acknowledged(4));
  EXPECT_FALSE(out.acknowledged(1U << 31));
}

// XEP-0198, 4
TEST(stream_management, what_is_acknowledged_is_forgotten) {
  outbound_queue out;
  push(out, 5);
  EXPECT_EQ(out.bytes(), 5U);
  EXPECT_EQ(out.acknowledged(2).value(), 2U);
  EXPECT_EQ(left(out), (std::vector<std::string>{"2", "3", "4"}));
  EXPECT_EQ(out.acknowledged(2).value(), 0U);
  EXPECT_EQ(out.acknowledged(1).value(), 0U);
  EXPECT_EQ(out.acknowledged(5).value(), 3U);
  EXPECT_EQ(out.size(), 0U);
  EXPECT_EQ(out.bytes(), 0U);
}

TEST(stream_management, the_queue_holds_what_was_sent_behind_the_count) {
  std::mt19937 random(3); // NOLINT(bugprone-random-generator-seed): the same on every run
  outbound_queue out;
  std::uint32_t handled = 0;
  for (int step = 0; step < 5'000; ++step) {
    push(out, static_cast<int>(random() % 5));
    handled += static_cast<std::uint32_t>(random() % (out.sent() - handled + 1));
    ASSERT_TRUE(out.acknowledged(handled));
    const auto texts = left(out);
    ASSERT_EQ(texts.size(), out.sent() - handled);
    for (std::size_t i = 0; i < texts.size(); ++i) ASSERT_EQ(texts[i], std::to_string(handled + i));
  }
}

// XEP-0198, 6
TEST(stream_management, more_cannot_be_acknowledged_than_was_sent) {
  outbound_queue out;
  push(out, 8);
  const auto refused = out.acknowledged(10);
  ASSERT_FALSE(refused);
  EXPECT_EQ(to_element(refused.error()),
            parsed("<handled-count-too-high xmlns='urn:xmpp:sm:3' h='10' send-count='8'/>"));
  EXPECT_EQ(out.size(), 8U);
}

// XEP-0198, 8.2
TEST(stream_management, asks_every_so_often_and_once_at_a_time) {
  outbound_queue out({.ask_stanzas = 5, .ask_bytes = 100});
  push(out, 4);
  EXPECT_FALSE(out.asks());
  push(out, 1);
  EXPECT_TRUE(out.asks());
  out.asked();
  push(out, 7);
  EXPECT_FALSE(out.asks());
  EXPECT_TRUE(out.awaits_answer());
  EXPECT_TRUE(out.acknowledged(5));
  EXPECT_TRUE(out.asks()) << "seven more since";
  out.asked();
  EXPECT_TRUE(out.acknowledged(12));
  EXPECT_FALSE(out.asks());
  out.push(std::string(100, 'x'), now);
  EXPECT_TRUE(out.asks());
}

TEST(stream_management, what_was_acknowledged_unasked_does_not_count_for_the_next_request) {
  outbound_queue out({.ask_stanzas = 5, .ask_bytes = 100});
  push(out, 4);
  out.push(std::string(99, 'x'), now);
  EXPECT_TRUE(out.acknowledged(5));
  push(out, 1);
  EXPECT_FALSE(out.asks());
}

TEST(stream_management, has_bounds) {
  outbound_queue out({.stanzas = 3, .bytes = 10});
  EXPECT_TRUE(out.has_room(10));
  EXPECT_FALSE(out.has_room(11));
  push(out, 2);
  EXPECT_TRUE(out.has_room(8));
  EXPECT_FALSE(out.has_room(9));
  push(out, 1);
  EXPECT_FALSE(out.has_room(1));
  EXPECT_TRUE(out.acknowledged(1));
  EXPECT_TRUE(out.has_room(1));
}

// XEP-0198, 5
TEST(stream_management, resumes_with_what_is_left) {
  outbound_queue out({.ask_stanzas = 1});
  push(out, 3);
  out.asked();
  EXPECT_TRUE(out.acknowledged(1));
  EXPECT_EQ(left(out), (std::vector<std::string>{"1", "2"}));
  push(out, 1);
  out.asked();
  EXPECT_EQ(left(out), (std::vector<std::string>{"1", "2", "3"}));
  EXPECT_FALSE(out.awaits_answer()) << "the request was lost with the connection";
  EXPECT_EQ(out.sent(), 4U);
}

TEST(stream_management, gives_up_what_is_left) {
  outbound_queue out;
  push(out, 3);
  EXPECT_TRUE(out.acknowledged(1));
  const auto rest = out.take();
  ASSERT_EQ(rest.size(), 2U);
  EXPECT_EQ(rest[0].text, "1");
  EXPECT_EQ(rest[1].text, "2");
  EXPECT_EQ(rest[1].at, now);
  EXPECT_EQ(out.size(), 0U);
  EXPECT_EQ(out.bytes(), 0U);
}

/// Two ends of a stream whose connections break at any time, with all that is under way.
class breaking_stream {
public:
  explicit breaking_stream(unsigned seed) : random_(seed) {}

  void step() {
    switch (random_() % 8) {
    case 0:
    case 1:
    case 2: send(std::to_string(out_.sent())); break;
    case 3:
    case 4: receive(); break;
    case 5: handle_any(); break;
    case 6: ASSERT_TRUE(out_.acknowledged(in_.count())); break;
    default:
      if (random_() % 10 == 0) resume();
    }
  }
  /// The connection is lost; a new one carries the stream on.
  void resume() {
    wire_.clear();
    while (!unhandled_.empty()) handle_any();
    ASSERT_EQ(in_.open(), 0U);
    ASSERT_TRUE(out_.acknowledged(in_.count()));
    for (const unacknowledged& one : out_.resumed()) wire_.push_back(one.text);
  }
  void receive() {
    if (wire_.empty()) return;
    unhandled_.push_back(in_.received());
    got_.push_back(wire_.front());
    wire_.pop_front();
  }
  [[nodiscard]] const std::vector<std::string>& got() const { return got_; }
  [[nodiscard]] std::uint32_t sent() const { return out_.sent(); }

private:
  void send(const std::string& text) {
    out_.push(text, now);
    wire_.push_back(text);
  }
  void handle_any() {
    if (unhandled_.empty()) return;
    std::swap(unhandled_[random_() % unhandled_.size()], unhandled_.back());
    in_.handled(unhandled_.back());
    unhandled_.pop_back();
  }

  std::mt19937 random_;
  outbound_queue out_;
  inbound_count in_;
  std::deque<std::string> wire_;
  std::vector<std::uint32_t> unhandled_; ///< numbers of stanzas that were read
  std::vector<std::string> got_;
};

// XEP-0198, 5: nothing is lost and nothing comes twice, however often the connection breaks
TEST(stream_management, every_stanza_comes_once_over_connections_that_break) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    breaking_stream stream(seed);
    for (int step = 0; step < 2'000; ++step) ASSERT_NO_FATAL_FAILURE(stream.step()) << "seed " << seed;
    stream.resume();
    for (std::uint32_t i = 0; i < stream.sent(); ++i) stream.receive();
    ASSERT_EQ(stream.got().size(), stream.sent()) << "seed " << seed;
    for (std::size_t i = 0; i < stream.got().size(); ++i) ASSERT_EQ(stream.got()[i], std::to_string(i));
  }
}

// XEP-0198, 3 and 5
TEST(stream_management, requests_are_read) {
  EXPECT_EQ(parse_enable(parsed("<enable xmlns='urn:xmpp:sm:3'/>")).value(), enable_request());
  EXPECT_EQ(parse_enable(parsed("<enable xmlns='urn:xmpp:sm:3' resume='true' max='60'/>")).value(),
            (enable_request{.resume = true, .seconds = 60}));
  EXPECT_FALSE(parse_enable(parsed("<enable xmlns='urn:xmpp:sm:3' resume='yes'/>")));
  EXPECT_FALSE(parse_enable(parsed("<enable xmlns='urn:xmpp:sm:3' max='-1'/>")));
  EXPECT_FALSE(parse_enable(parsed("<enable xmlns='urn:xmpp:sm:2'/>")));
  EXPECT_EQ(parse_resume(parsed("<resume xmlns='urn:xmpp:sm:3' h='4294967295' previd='x'/>")).value(),
            (resume_request{.previous = "x", .h = 4'294'967'295U}));
  for (const char* text :
       {"<resume xmlns='urn:xmpp:sm:3' h='4294967296' previd='x'/>",
        "<resume xmlns='urn:xmpp:sm:3' h='1 ' previd='x'/>", "<resume xmlns='urn:xmpp:sm:3' h='1'/>",
        "<resume xmlns='urn:xmpp:sm:3' previd='x'/>"}) {
    EXPECT_FALSE(parse_resume(parsed(text))) << text;
  }
  EXPECT_EQ(parse_ack(make_ack(7)), 7U);
  EXPECT_FALSE(parse_ack(parsed("<a xmlns='urn:xmpp:sm:3'/>")));
  EXPECT_FALSE(parse_ack(make_ack_request()));
}

// XEP-0198, 3, 5 and 6
TEST(stream_management, answers_are_written) {
  EXPECT_EQ(make_enabled("").to_string(), "<enabled xmlns=\"urn:xmpp:sm:3\"/>");
  EXPECT_EQ(make_enabled("some-long-sm-id", 300, "[2001:41D0:1:A49b::1]:9222"),
            parsed("<enabled xmlns='urn:xmpp:sm:3' id='some-long-sm-id' max='300' resume='true'"
                   " location='[2001:41D0:1:A49b::1]:9222'/>"));
  EXPECT_EQ(make_resumed("id", 3), parsed("<resumed xmlns='urn:xmpp:sm:3' h='3' previd='id'/>"));
  EXPECT_EQ(make_failed(condition::item_not_found, 5),
            parsed("<failed xmlns='urn:xmpp:sm:3' h='5'>"
                   "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>"));
  EXPECT_EQ(make_failed(condition::unexpected_request),
            parsed("<failed xmlns='urn:xmpp:sm:3'>"
                   "<unexpected-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>"));
}

} // namespace
} // namespace coppice::xmpp

#include "servers/chat/proto/frames.hpp"

#include <gtest/gtest.h>

namespace coppice::chat::frames {
namespace {

template <class T>
T read(std::string_view json) {
  auto parsed = parse(json);
  EXPECT_TRUE(parsed.has_value()) << (parsed ? "" : parsed.error().text);
  if (!parsed || !std::holds_alternative<T>(*parsed)) {
    ADD_FAILURE() << "another frame: " << json;
    return T();
  }
  return std::get<T>(*parsed);
}

std::string refused(std::string_view json, bool unknown_type = false) {
  auto parsed = parse(json);
  EXPECT_FALSE(parsed.has_value()) << json;
  if (parsed) return {};
  EXPECT_EQ(parsed.error().unknown_type, unknown_type) << json;
  return parsed.error().text;
}

TEST(frames, requests_are_read) {
  auto first =
      read<hello>(R"({"type":"hello","v":1,"user":"ann","resume":{"epoch":"k3f","seq":41},"more":[]})");
  EXPECT_EQ(first.user, "ann");
  ASSERT_TRUE(first.resume);
  EXPECT_EQ(first.resume->epoch, "k3f");
  EXPECT_EQ(first.resume->seq, 41U);
  EXPECT_FALSE(read<hello>(R"({"type":"hello","v":1,"user":"ann"})").resume);
  auto sent = read<send>(R"({"type":"send","id":"Zm9v","to":"#lobby","text":"a\n\"\u00e4\ud83c\udf32"})");
  EXPECT_EQ(sent.id, "Zm9v");
  EXPECT_EQ(sent.to, "#lobby");
  EXPECT_EQ(sent.text, "a\n\"\xC3\xA4\xF0\x9F\x8C\xB2");
  EXPECT_EQ(read<ack>(R"({"type":"ack","seq":9007199254740991})").seq, 9007199254740991U);
  EXPECT_EQ(read<join>(R"({"type":"join","room":"#a"})").room, "#a");
  EXPECT_EQ(read<leave>(R"({"type":"leave","room":"#a"})").room, "#a");
  EXPECT_EQ(read<ping>(R"( {"n":7,"type":"ping"} )").n, 7U);
  read<who>(R"({"type":"who"})");
}

TEST(frames, bad_frames_are_refused_with_the_place) {
  refused("not json");
  refused("");
  refused("[]");
  refused("42");
  refused("{}");
  refused(R"({"type":1})");
  refused(R"({"type":"who"} {})");
  EXPECT_EQ(refused(R"({"type":"ack"})"), "'ack' needs 'seq': an integer from 0 to 2^53 - 1");
  for (const char* seq : {"-1", "1.5", "\"1\"", "9007199254740992", "1e3", "null", "18446744073709551615"}) {
    refused(std::string(R"({"type":"ack","seq":)") + seq + "}");
  }
  EXPECT_EQ(refused(R"({"type":"send","id":"x","to":5,"text":"x"})"), "'send' needs 'to': a string");
  refused(R"({"type":"hello","user":"ann"})");
  refused(R"({"type":"hello","v":2,"user":"ann"})");
  refused(R"({"type":"hello","v":1,"user":"ann","resume":7})");
  EXPECT_EQ(refused(R"({"type":"hello","v":1,"user":"ann","resume":{"epoch":"e"}})"),
            "'resume' needs 'seq': an integer from 0 to 2^53 - 1");
  refused("{\"type\":\"send\",\"id\":\"x\",\"to\":\"x\",\"text\":\"\xFF\"}");
  refused(R"({"type":"send","id":"x","to":"x","text":"\ud800"})");
}

TEST(frames, size_and_depth_are_bounded) {
  std::string text(longest, 'x');
  refused(R"({"type":"send","id":"x","to":"x","text":")" + text + "\"}");
  refused(R"({"type":"who","x":)" + std::string(1000, '[') + std::string(1000, ']') + "}");
}

TEST(frames, an_unknown_type_is_told_apart) {
  EXPECT_EQ(refused(R"({"type":"dance"})", true), "there is no frame of type 'dance'");
}

TEST(frames, answers_are_written) {
  EXPECT_EQ(to_json(welcome{"ann", "coppice@host", "k3f", 41, {"ann", "bob"}, 2}),
            R"({"type":"welcome","v":1,"user":"ann","node":"coppice@host","epoch":"k3f","seq":41,)"
            R"("online":["ann","bob"],"online_total":2})");
  EXPECT_EQ(to_json(accepted{"Zm9v", "bob", 1760000000000, 1}),
            R"({"type":"accepted","id":"Zm9v","to":"bob","at":1760000000000,"recipients":1})");
  EXPECT_EQ(to_json(presence{"bob", true}), R"({"type":"presence","user":"bob","online":true})");
  EXPECT_EQ(to_json(online{{"ann"}, 2}), R"({"type":"online","online":["ann"],"online_total":2})");
  EXPECT_EQ(to_json(online{}), R"({"type":"online","online":[],"online_total":0})");
  EXPECT_EQ(to_json(error{"too_fast", "Slow down.", "Zm9v", "", 1000}),
            R"({"type":"error","code":"too_fast","text":"Slow down.","id":"Zm9v","retry":1000})");
  EXPECT_EQ(to_json(error{"bad_name", "No.", "", "#x"}),
            R"({"type":"error","code":"bad_name","text":"No.","room":"#x"})");
  EXPECT_EQ(left_to_json("#a"), R"({"type":"left","room":"#a"})");
  EXPECT_EQ(pong_to_json(7), R"({"type":"pong","n":7})");
}

TEST(frames, events_are_written) {
  const event said{42, std::make_shared<const chat_message>(
                           chat_message{"Zm9v", "bob", "#lobby", "\"</script>\n\xC3\xA4", 5})};
  EXPECT_EQ(to_json(said),
            "{\"type\":\"message\",\"seq\":42,\"id\":\"Zm9v\",\"from\":\"bob\",\"to\":\"#lobby\","
            "\"text\":\"\\\"</script>\\n\xC3\xA4\",\"at\":5}");
  const event seen{43, receipt{"Zm9v", "bob", "ann"}};
  EXPECT_EQ(to_json(seen), R"({"type":"delivered","seq":43,"id":"Zm9v","to":"bob","by":"ann"})");
}

TEST(frames, rooms_are_written_as_the_user_sees_them) {
  auto both = std::make_shared<const std::vector<std::string>>(std::vector<std::string>{"ann", "bob"});
  EXPECT_EQ(rooms_to_json({{"#a", both}, {"#b", both}}, "cid"),
            R"({"type":"rooms","rooms":[{"room":"#a","members":2,"joined":false},)"
            R"({"room":"#b","members":2,"joined":false}]})");
  EXPECT_EQ(rooms_to_json({{"#a", both}}, "bob"),
            R"({"type":"rooms","rooms":[{"room":"#a","members":2,"joined":true}]})");
  EXPECT_EQ(rooms_to_json({}, "bob"), R"({"type":"rooms","rooms":[]})");
  EXPECT_EQ(room_to_json("#a", both), R"({"type":"room","room":"#a","members":["ann","bob"]})");
  EXPECT_EQ(room_to_json("#a", nullptr), R"({"type":"room","room":"#a","members":[]})");
}

} // namespace
} // namespace coppice::chat::frames

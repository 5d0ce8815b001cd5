#include "servers/console/proto/frames.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <gtest/gtest.h>

namespace coppice::console {
namespace {

std::string error_of(std::string_view text) {
  auto frame = parse_frame(text);
  return frame ? "" : frame.error();
}

TEST(frames, reads_hello) {
  auto frame = parse_frame(R"({"type":"hello","v":1,"token":"abc","reports":7,"more":[]})");
  ASSERT_TRUE(frame);
  const hello& h = std::get<hello>(*frame);
  EXPECT_EQ(h.token, "abc");
  EXPECT_EQ(h.reports, 7U);
}

TEST(frames, reads_watch) {
  auto frame = parse_frame(
      R"({"type":"watch","open":["root","root/a"],"limits":{"root/a":300,"root":99999},"filter":"ann"})");
  ASSERT_TRUE(frame);
  const view& v = std::get<view>(*frame);
  EXPECT_EQ(*v.open, (std::vector<std::string>{"root", "root/a"}));
  EXPECT_EQ(v.limits.at("root/a"), 300U);
  EXPECT_EQ(v.limits.at("root"), view::most_children);
  EXPECT_EQ(v.filter, "ann");
  EXPECT_FALSE(v.all_open);
}

TEST(frames, refuses_what_is_no_frame) {
  EXPECT_NE(error_of("{"), "");
  EXPECT_NE(error_of("[]"), "");
  EXPECT_NE(error_of(R"({"type":"kill"})"), "");
  EXPECT_NE(error_of(R"({"type":"hello","v":2,"token":"x"})"), "");
  EXPECT_NE(error_of(R"({"type":"hello","v":1})"), "");
  EXPECT_NE(error_of(R"({"type":"hello","v":1,"token":"x","reports":-1})"), "");
  EXPECT_NE(error_of(R"({"type":"hello","v":1,"token":"x","reports":0.5})"), "");
  EXPECT_NE(error_of(R"({"type":"watch","open":"root"})"), "");
  EXPECT_NE(error_of(R"({"type":"watch","open":[1]})"), "");
  EXPECT_NE(error_of(R"({"type":"watch","open":[],"limits":{"a":"b"}})"), "");
  EXPECT_NE(error_of(R"({"type":"watch","open":[],"filter":")" + std::string(65, 'x') + "\"}"), "");
  std::string many = R"({"type":"watch","open":["a")";
  for (int i = 0; i < 500; ++i) many += ",\"b\"";
  EXPECT_NE(error_of(many + "]}"), "");
  EXPECT_NE(error_of(std::string(60'000, '[')), "");
}

TEST(frames, a_filter_is_measured_in_characters) {
  std::string filter;
  for (int i = 0; i < 64; ++i) filter += "\xc3\xa9";
  EXPECT_EQ(error_of(R"({"type":"watch","open":[],"filter":")" + filter + "\"}"), "");
}

TEST(frames, reads_the_pid_to_kill) {
  auto killed = parse_kill(R"({"pid":"<0.42.7>"})");
  ASSERT_TRUE(killed);
  EXPECT_EQ(killed->slot(), 42U);
  EXPECT_EQ(killed->generation(), 7U);
  EXPECT_EQ(pid_text(*killed), "<0.42.7>");
  EXPECT_TRUE(parse_pid("<0.67108863.274877906943>"));
  for (const char* text :
       {"", "<0.42.7", "0.42.7>", "<1.42.7>", "<0.42>", "<0..7>", "<0.42.>", "<0.042.7>", "<0.42.7.1>",
        "<0.-1.7>", "<0.67108864.1>", "<0.1.274877906944>", "root_sup", "<0.1.99999999999999999999999>"}) {
    EXPECT_FALSE(parse_pid(text)) << text;
  }
  for (const char* body : {"", "{", "{}", "7", R"({"pid":7})", R"({"pid":"root_sup"})"}) {
    EXPECT_FALSE(parse_kill(body)) << body;
  }
}

TEST(frames, writes_a_snapshot) {
  row top;
  top.key = top.name = "root";
  top.process = *parse_pid("<0.1.1>");
  top.kind = "supervisor";
  top.branch = true;
  top.children = {1, 2};
  row gone;
  gone.key = "root/x";
  gone.parent = "root";
  gone.name = "bad \xff name";
  gone.status = row_status::restarting;
  log_entry entry;
  entry.seq = 3;
  entry.kind = entry_kind::supervisor;
  entry.action = supervisor_action::restarted;
  entry.new_process = *parse_pid("<0.9.1>");
  entry.text = "why";
  node_figures node;
  node.name = "coppice@here";
  node.memory = 18'874'368;
  selection rows{{&top, &gone}, 12};
  boost::json::value v = boost::json::parse(write_snapshot(1000, node, rows, std::span(&entry, 1)));
  EXPECT_EQ(v.at("type").as_string(), "snapshot");
  EXPECT_EQ(v.at("at").as_int64(), 1000);
  EXPECT_EQ(v.at("node").at("memory").to_number<int>(), 18'874'368);
  EXPECT_EQ(v.at("matched").to_number<int>(), 12);
  const boost::json::array& all = v.at("processes").as_array();
  EXPECT_TRUE(all.at(0).at("parent").is_null());
  EXPECT_EQ(all.at(0).at("children").to_number<int>(), 2);
  EXPECT_EQ(all.at(0).at("pid").as_string(), "<0.1.1>");
  EXPECT_TRUE(all.at(1).at("pid").is_null());
  EXPECT_EQ(all.at(1).at("name").as_string(), "bad ? name");
  EXPECT_EQ(all.at(1).at("status").as_string(), "restarting");
  EXPECT_FALSE(all.at(1).as_object().contains("children"));
  const boost::json::value& report = v.at("reports").at(0);
  EXPECT_EQ(report.at("action").as_string(), "restarted");
  EXPECT_EQ(report.at("new_pid").as_string(), "<0.9.1>");
  EXPECT_FALSE(report.as_object().contains("pid"));
}

TEST(frames, leaves_matched_out_without_a_filter) {
  boost::json::value v = boost::json::parse(write_snapshot(0, {}, {}, {}));
  EXPECT_FALSE(v.as_object().contains("matched"));
}

} // namespace
} // namespace coppice::console

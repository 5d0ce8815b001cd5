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
  const view& v = *std::get<watch>(*frame).tree;
  EXPECT_FALSE(std::get<watch>(*frame).list);
  EXPECT_FALSE(std::get<watch>(*frame).process);
  EXPECT_EQ(*v.open, (std::vector<std::string>{"root", "root/a"}));
  EXPECT_EQ(v.limits.at("root/a"), 300U);
  EXPECT_EQ(v.limits.at("root"), view::most_children);
  EXPECT_EQ(v.filter, "ann");
  EXPECT_FALSE(v.all_open);
}

TEST(frames, reads_what_of_the_list_and_which_process_is_watched) {
  auto frame = parse_frame(
      R"({"type":"watch","list":{"filter":"ANN","sort":"busy","ascending":true,"offset":50,"limit":25},"process":"<0.42.7>"})");
  ASSERT_TRUE(frame);
  const watch& w = std::get<watch>(*frame);
  EXPECT_FALSE(w.tree);
  EXPECT_EQ(*w.list, (list_query{"ann", list_order::busy, true, 50, 25}));
  EXPECT_EQ(pid_text(w.process), "<0.42.7>");
  frame = parse_frame(R"({"type":"watch","list":{"offset":99999999,"limit":99999999}})");
  ASSERT_TRUE(frame);
  EXPECT_EQ(std::get<watch>(*frame).list->limit, list_query::most_rows);
  EXPECT_EQ(std::get<watch>(*frame).list->offset + list_query::most_rows, list_query::deepest);
  ASSERT_TRUE(parse_frame(R"({"type":"watch"})"));
}

TEST(frames, reads_what_is_asked_of_one_process) {
  auto frame = parse_frame(R"({"type":"state","pid":"<0.42.7>"})");
  ASSERT_TRUE(frame);
  EXPECT_EQ(std::get<state_wanted>(*frame).process.slot(), 42U);
  frame = parse_frame(R"({"type":"trace","pid":"<0.42.7>","on":true})");
  ASSERT_TRUE(frame);
  EXPECT_TRUE(std::get<trace_wanted>(*frame).on);
  for (const char* bad :
       {R"({"type":"state"})", R"({"type":"state","pid":"x"})", R"({"type":"trace","pid":"<0.42.7>"})",
        R"({"type":"trace","on":true})", R"({"type":"watch","process":7})", R"({"type":"watch","list":[]})",
        R"({"type":"watch","list":{"sort":"size"}})", R"({"type":"watch","list":{"sort":1}})",
        R"({"type":"watch","list":{"ascending":"yes"}})", R"({"type":"watch","list":{"offset":-1}})",
        R"({"type":"watch","list":{"limit":"x"}})", R"({"type":"watch","list":{"filter":7}})",
        R"({"type":"hello","v":1,"token":"x","points":-1})"}) {
    EXPECT_NE(error_of(bad), "") << bad;
  }
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
  top.left_out = 5;
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
  boost::json::value v = boost::json::parse(
      write_snapshot({.at = 1000, .node = &node, .tree = &rows, .reports = std::span(&entry, 1)}));
  EXPECT_EQ(v.at("type").as_string(), "snapshot");
  EXPECT_EQ(v.at("at").as_int64(), 1000);
  EXPECT_EQ(v.at("node").at("memory").to_number<int>(), 18'874'368);
  EXPECT_EQ(v.at("matched").to_number<int>(), 12);
  const boost::json::array& all = v.at("processes").as_array();
  EXPECT_TRUE(all.at(0).at("parent").is_null());
  EXPECT_EQ(all.at(0).at("children").to_number<int>(), 7);
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

TEST(frames, leaves_out_what_is_not_watched) {
  const node_figures node;
  const selection all;
  boost::json::value v = boost::json::parse(write_snapshot({.node = &node, .tree = &all}));
  EXPECT_FALSE(v.as_object().contains("matched"));
  v = boost::json::parse(write_snapshot({.node = &node}));
  for (const char* key : {"processes", "list", "process", "points"})
    EXPECT_FALSE(v.as_object().contains(key));
}

TEST(frames, writes_the_list_and_the_points) {
  const node_figures node;
  list_page page;
  page.query.offset = 50;
  page.total = 10'000;
  page.matched = 7;
  process_glimpse g;
  g.process = *parse_pid("<0.42.7>");
  g.behaviour = "gen_server";
  g.runs = "chat::room";
  g.message_queue_len = 3;
  page.rows.push_back({g, {.busy = 12, .age = 5000}, "bad \xff name"});
  point p;
  p.at = 77;
  p.cores = {{500, 1}, {20, 0}};
  const boost::json::value v =
      boost::json::parse(write_snapshot({.node = &node, .list = &page, .points = std::span(&p, 1)}));
  const boost::json::value& list = v.at("list");
  EXPECT_EQ(list.at("matched").to_number<int>(), 7);
  EXPECT_EQ(list.at("offset").to_number<int>(), 50);
  EXPECT_EQ(list.at("sort").as_string(), "mailbox");
  const boost::json::value& row = list.at("rows").at(0);
  EXPECT_EQ(row.at("name").as_string(), "bad ? name");
  EXPECT_EQ(row.at("module").as_string(), "chat::room");
  EXPECT_EQ(row.at("kind").as_string(), "gen_server");
  EXPECT_EQ(row.at("busy").to_number<int>(), 12);
  EXPECT_EQ(v.at("points").at(0).at("busy").at(0).to_number<int>(), 500);
  EXPECT_EQ(v.at("points").at(0).at("queues").at(0).to_number<int>(), 1);
}

TEST(frames, writes_a_process_its_state_and_its_trace) {
  const node_figures node;
  process_page page;
  page.process = page.glimpse.process = *parse_pid("<0.42.7>");
  boost::json::value v = boost::json::parse(write_snapshot({.node = &node, .process = &page}));
  EXPECT_FALSE(v.at("process").at("alive").as_bool());
  page.alive = true;
  page.inside.emplace();
  page.inside->links = {{{*parse_pid("<0.1.1>"), "root"}}, 60};
  page.inside->messages = {"ping", "pong"};
  v = boost::json::parse(write_snapshot({.node = &node, .process = &page}));
  const boost::json::value& inside = v.at("process").at("inside");
  EXPECT_EQ(inside.at("links").at("count").to_number<int>(), 60);
  EXPECT_EQ(inside.at("links").at("some").at(0).at("name").as_string(), "root");
  EXPECT_EQ(inside.at("messages").at(1).as_string(), "pong");

  v = boost::json::parse(write_state(page.process, "{state,1}"));
  EXPECT_EQ(v.at("text").as_string(), "{state,1}");
  v = boost::json::parse(write_state(page.process, std::unexpected("no")));
  EXPECT_EQ(v.at("problem").as_string(), "no");
  EXPECT_FALSE(v.as_object().contains("text"));

  const trace_line line{.at = 5, .what = "send", .other = {*parse_pid("<0.1.1>"), "root"}, .content = "hi"};
  v = boost::json::parse(write_trace(page.process, std::span(&line, 1), true, ""));
  EXPECT_EQ(v.at("events").at(0).at("other").at("pid").as_string(), "<0.1.1>");
  EXPECT_EQ(v.at("events").at(0).at("content").as_string(), "hi");
  EXPECT_TRUE(v.at("paused").as_bool());
  EXPECT_FALSE(v.as_object().contains("ended"));
}

} // namespace
} // namespace coppice::console

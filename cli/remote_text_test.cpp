#include "cli/remote_text.hpp"

#include <gtest/gtest.h>

namespace coppice::cli {
namespace {

TEST(remote_text, nodes) {
  const std::vector<dist::named_port> nodes{{"cpp", 4711}, {"e\x01\xff", 1}};
  EXPECT_EQ(nodes_as_text({nodes[0]}), "cpp at port 4711\n");
  EXPECT_EQ(nodes_as_text({nodes[1]}), "e?\xff at port 1\n");
  EXPECT_EQ(
      nodes_as_json("h", nodes),
      "{\"host\":\"h\",\"nodes\":[{\"name\":\"cpp\",\"port\":4711},{\"name\":\"e\\u0001?\",\"port\":1}]}\n");
}

TEST(remote_text, answers_are_terms_as_texts) {
  EXPECT_EQ(reply_as_json("n@h", "echo", term::tuple(atom("a"), "b\"")),
            "{\"node\":\"n@h\",\"name\":\"echo\",\"reply\":\"{a,<<\\\"b\\\\\\\"\\\">>}\"}\n");
  EXPECT_EQ(cast_as_json("n@h", "echo", 1), "{\"node\":\"n@h\",\"name\":\"echo\",\"cast\":\"1\"}\n");
  EXPECT_EQ(pong_as_json("n@h"), "{\"node\":\"n@h\",\"answer\":\"pong\"}\n");
}

TEST(remote_text, processes) {
  const std::vector<process_row> rows{{"<0.1.0>", "init", "otp_ring0:start/2", "waiting", 13704, 0, 5455},
                                      {"<0.20000.1>", "", "erlang:apply/2", "running", 1, 2, 3}};
  EXPECT_EQ(processes_as_text(rows),
            "PID          NAME OR INITIAL CALL  STATUS           MEMORY    QUEUE     REDUCTIONS\n"
            "<0.1.0>      init                  waiting           13704        0           5455\n"
            "<0.20000.1>  erlang:apply/2        running               1        2              3\n");
  EXPECT_EQ(processes_as_json("n@h", {rows[1]}),
            "{\"node\":\"n@h\",\"processes\":[{\"pid\":\"<0.20000.1>\",\"name\":null,"
            "\"initial_call\":\"erlang:apply/2\",\"status\":\"running\",\"memory\":1,"
            "\"message_queue_len\":2,\"reductions\":3}]}\n");
}

TEST(remote_text, trees) {
  tree_row root{.pid = "<0.1.0>", .name = "root_sup", .supervisor = true};
  root.children.push_back({.id = "net_sup", .pid = "<0.2.0>", .name = "net_kernel"});
  root.children.push_back({.id = "gone", .pid = "undefined"});
  root.children.push_back({.id = "sup", .pid = "<0.3.0>", .supervisor = true, .silent = true});
  root.children.push_back({.pid = "<0.4.0>", .supervisor = true});
  root.children.back().children.push_back({.id = "leaf", .pid = "<0.5.0>", .name = "leaf"});
  EXPECT_EQ(tree_as_text({root}), "root_sup <0.1.0> supervisor\n"
                                  "  net_sup <0.2.0> net_kernel\n"
                                  "  gone undefined\n"
                                  "  sup <0.3.0> supervisor, does not answer\n"
                                  "  <0.4.0> supervisor\n"
                                  "    leaf <0.5.0>\n");
  root.children.resize(3);
  EXPECT_EQ(
      tree_as_json("n@h", {root}),
      "{\"node\":\"n@h\",\"supervisors\":[{\"id\":null,\"pid\":\"<0.1.0>\",\"name\":\"root_sup\","
      "\"type\":\"supervisor\",\"children\":["
      "{\"id\":\"net_sup\",\"pid\":\"<0.2.0>\",\"name\":\"net_kernel\",\"type\":\"worker\"},"
      "{\"id\":\"gone\",\"pid\":\"undefined\",\"name\":null,\"type\":\"worker\"},"
      "{\"id\":\"sup\",\"pid\":\"<0.3.0>\",\"name\":null,\"type\":\"supervisor\",\"children\":null}]}]}\n");
}

} // namespace
} // namespace coppice::cli

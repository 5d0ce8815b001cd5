#include "coppice/dist/epmd_protocol.hpp"

#include <gtest/gtest.h>

namespace coppice::dist {
namespace {

using namespace std::string_literals;

const epmd_entry cpp{.name = "cpp", .port = 0x1234, .extra = "xy"};

TEST(epmd_protocol, requests_are_the_bytes_of_the_protocol) {
  EXPECT_EQ(to_bytes(epmd_alive{cpp}), "\0\x12"
                                       "x\x12\x34M\0\0\6\0\6\0\3cpp\0\2xy"s);
  EXPECT_EQ(to_bytes(epmd_port_please{"cpp"}), "\0\4zcpp"s);
  EXPECT_EQ(to_bytes(epmd_names{}), "\0\1n"s);
}

TEST(epmd_protocol, requests_are_read_as_they_were_written) {
  const auto read = [](const epmd_request& r) { return parse_epmd_request(to_bytes(r).substr(2)); };
  EXPECT_EQ(std::get<epmd_alive>(read(epmd_alive{cpp}).value()).entry, cpp);
  EXPECT_EQ(std::get<epmd_port_please>(read(epmd_port_please{"a.b-c"}).value()).name, "a.b-c");
  EXPECT_TRUE(std::holds_alternative<epmd_names>(read(epmd_names{}).value()));
}

TEST(epmd_protocol, wrong_requests_are_told_from_right_ones) {
  const std::string alive = to_bytes(epmd_alive{cpp}).substr(2);
  const std::pair<std::string, std::string> all[] = {
      {"", "an empty request"},
      {"k", "a request 107"},
      {"z", "a name has 1 to 255 bytes"},
      {"z" + std::string(256, 'a'), "a name has 1 to 255 bytes"},
      {"zwith space", "the byte 32 cannot be in a name"},
      {"zline\nfeed", "the byte 10 cannot be in a name"},
      {"za@b", "the byte 64 cannot be in a name"},
      {alive.substr(0, alive.size() - 1), "ALIVE2_REQ of a wrong length"},
      {alive + "x", "ALIVE2_REQ of a wrong length"},
      {to_bytes(epmd_alive{{.name = "no\tname"}}).substr(2), "the byte 9 cannot be in a name"},
      {to_bytes(epmd_alive{{.name = ""}}).substr(2), "a name has 1 to 255 bytes"},
  };
  for (const auto& [body, what] : all) EXPECT_EQ(parse_epmd_request(body).error(), what);
}

TEST(epmd_protocol, answers_come_in_the_form_that_the_asker_knows) {
  EXPECT_EQ(alive_answer(0x01020304, 6), "v\0\1\2\3\4"s);
  EXPECT_EQ(alive_answer({}, 6), "v\1\0\0\0\0"s);
  EXPECT_EQ(alive_answer(0x01020304, 5), "y\0\0\2"s); // 1 to 3
  EXPECT_EQ(alive_answer({}, 5), "y\1\0\0"s);
  EXPECT_EQ(port_answer(cpp), "w\0\x12\x34M\0\0\6\0\6\0\3cpp\0\2xy"s);
  EXPECT_EQ(port_answer({}), "w\1"s);
  EXPECT_EQ(names_answer(4369, {cpp}), "\0\0\x11\x11name cpp at port 4660\n"s);
}

TEST(epmd_protocol, answers_are_read_however_they_are_cut) {
  const auto cut = [](const std::string& all, auto parse) {
    for (std::size_t n = 0; n < all.size(); ++n) {
      EXPECT_EQ(parse(all.substr(0, n)).state, answer_state::incomplete) << n;
    }
    auto result = parse(all);
    EXPECT_EQ(result.state, answer_state::complete);
    return result;
  };
  EXPECT_EQ(cut(alive_answer(77, 6), parse_alive_answer).creation, 77U);
  EXPECT_EQ(cut(alive_answer(77, 5), parse_alive_answer).creation, 3U);
  EXPECT_EQ(cut(alive_answer({}, 6), parse_alive_answer).creation, std::nullopt);
  EXPECT_EQ(cut(port_answer(cpp), parse_port_answer).entry, cpp);
  EXPECT_EQ(cut(port_answer({}), parse_port_answer).entry, std::nullopt);
  EXPECT_EQ(parse_alive_answer("HTTP/1.1 400").state, answer_state::wrong);
  EXPECT_EQ(parse_port_answer("HTTP/1.1 400").state, answer_state::wrong);
}

TEST(epmd_protocol, lists_of_names_are_read) {
  const std::vector<epmd_entry> two{cpp, {.name = "odd at port 9", .port = 1}};
  EXPECT_EQ(parse_names_answer(names_answer(4369, two)),
            (std::vector<named_port>{{"cpp", 0x1234}, {"odd at port 9", 1}}));
  EXPECT_EQ(parse_names_answer(names_answer(4369, {})), std::vector<named_port>());
  for (const std::string& wrong :
       std::vector<std::string>{"", "\0\0"s, "\0\0\0\0name x at port 70000\n"s,
                                "\0\0\0\0name x at port 7x\n"s, "\0\0\0\0garbage\n"s}) {
    EXPECT_EQ(parse_names_answer(wrong), std::nullopt) << wrong;
  }
}

} // namespace
} // namespace coppice::dist

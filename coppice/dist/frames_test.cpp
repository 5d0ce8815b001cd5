#include "coppice/dist/frames.hpp"

#include <gtest/gtest.h>
#include <vector>

namespace coppice::dist {
namespace {

using namespace std::string_literals;

const capabilities plain = mandatory_25.with(mandatory_26);

class frames : public testing::Test {
protected:
  /// All signals of some bytes, which come in pieces of that size.
  std::vector<signal> read(frame_reader& reader, std::string_view bytes, std::size_t piece = SIZE_MAX) {
    std::vector<signal> all;
    while (!bytes.empty()) {
      reader.feed(bytes.substr(0, piece));
      bytes.remove_prefix(std::min(piece, bytes.size()));
      for (;;) {
        auto next = reader.next();
        EXPECT_TRUE(next) << next.error();
        if (!next || !*next) break;
        all.push_back(std::move(**next));
      }
    }
    return all;
  }
  /// What is wrong with a frame.
  std::string fault(const std::string& payload, capabilities common = offered, frame_limits limits = {}) {
    frame_reader reader(common, nodes, limits);
    std::string bytes;
    for (int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<char>(payload.size() >> shift));
    reader.feed(bytes + payload);
    auto next = reader.next();
    return next ? "nothing" : next.error();
  }
  /// All frames of a signal.
  std::string written(const frame_writer& writer, const signal& s, std::uint64_t sequence = 1) {
    const encoded_signal e = writer.encode(s.what, s.message ? &*s.message : nullptr);
    std::string out;
    for (std::uint64_t i = 0; i < writer.frames(e); ++i) writer.append(out, e, i, sequence);
    return out;
  }

  node_names nodes{atom("cpp@127.0.0.1"), 7};
  const pid a{1, 0, 0};
  const pid b{2, 0, 0};
};

TEST_F(frames, signals_are_read_as_they_were_written_however_they_are_cut) {
  const signal all[] = {
      {.what = link_signal{a, b}},
      {.what = send_signal{a, b}, .message = term::tuple("hello"_atom, 1)},
      {.what = exit_signal{a, b, "gone"_atom}},
      {.what = send_signal{a, "echo"_atom}, .message = std::string(200'000, 'x')},
      {.what = down_signal{a, b, reference::local(9), term::list(1, 2, 3)}},
  };
  for (capabilities common : {offered, plain}) {
    const frame_writer writer(common, nodes);
    std::string bytes;
    for (const signal& s : all) bytes += written(writer, s);
    for (std::size_t piece :
         {SIZE_MAX, std::size_t{65536}, std::size_t{1000}, std::size_t{7}, std::size_t{1}}) {
      frame_reader reader(common, nodes);
      const std::vector<signal> came = read(reader, bytes, piece);
      ASSERT_EQ(came.size(), std::size(all));
      for (std::size_t i = 0; i < came.size(); ++i) {
        EXPECT_EQ(came[i].what, all[i].what);
        EXPECT_EQ(came[i].message, all[i].message);
      }
      EXPECT_EQ(reader.unfinished_bytes(), 0U);
    }
  }
}

TEST_F(frames, they_are_the_bytes_of_the_protocol) {
  const pid p{5, 0, 0};
  const std::string bytes = "X\x77\x0d"
                            "cpp@127.0.0.1\0\0\0\5\0\0\0\0\0\0\0\7"s;
  const std::string control = "h\3a\x16" + bytes + bytes;
  const signal s{.what = send_signal{p, p}, .message = term("hi"_atom)};
  EXPECT_EQ(written(frame_writer(offered, nodes), s), "\0\0\0\x43\x83"
                                                      "D\0"s +
                                                          control + "w\2hi");
  EXPECT_EQ(written(frame_writer(plain, nodes), s), "\0\0\0\x43"
                                                    "p\x83"s +
                                                        control + "\x83w\2hi");
}

TEST_F(frames, ticks_are_counted) {
  frame_reader reader(offered, nodes);
  const std::string bytes =
      "\0\0\0\0"s + written(frame_writer(offered, nodes), {.what = link_signal{a, b}}) + "\0\0\0\0"s;
  EXPECT_EQ(read(reader, bytes, 3).size(), 1U);
  EXPECT_EQ(reader.ticks(), 2U);
}

TEST_F(frames, fragments_of_several_signals_and_whole_ones_come_between_each_other) {
  const frame_writer writer(offered, nodes);
  const term big = std::string(150'000, 'b');
  const term bigger = std::string(300'000, 'c');
  const encoded_signal one = writer.encode(send_signal{a, b}, &big);
  const encoded_signal two = writer.encode(send_signal{b, a}, &bigger);
  ASSERT_EQ(writer.frames(one), 3U);
  ASSERT_EQ(writer.frames(two), 5U);
  std::string bytes;
  for (std::uint64_t i = 0; i < 5; ++i) {
    if (i < 3) writer.append(bytes, one, i, 1);
    writer.append(bytes, two, i, 2);
    bytes += written(writer, {.what = link_signal{a, b}}) + "\0\0\0\0"s;
  }
  frame_reader reader(offered, nodes);
  const std::vector<signal> came = read(reader, bytes, 10'000);
  ASSERT_EQ(came.size(), 7U);
  EXPECT_EQ(came[2].message, big);
  EXPECT_EQ(came[5].message, bigger);
}

TEST_F(frames, a_signal_in_one_fragment_is_whole) {
  const std::string whole = written(frame_writer(offered, nodes), {.what = link_signal{a, b}}).substr(6);
  frame_reader reader(offered, nodes);
  const std::string payload = "\x83"
                              "E" +
                              std::string(8, '\0') + std::string(7, '\0') + "\1" + whole;
  reader.feed("\0\0\0"s + static_cast<char>(payload.size()) + payload);
  EXPECT_TRUE(reader.next().value().has_value());
}

TEST_F(frames, what_is_wrong_is_told) {
  const std::string link = written(frame_writer(offered, nodes), {.what = link_signal{a, b}}).substr(7);
  const std::string seq = std::string(8, '\1');
  EXPECT_EQ(fault("x"), "a frame that begins with 120");
  EXPECT_EQ(fault("p\x83" + link), "a frame that begins with 112"); // headers have been agreed on
  EXPECT_EQ(fault("\x83"), "a frame that begins with 131");
  EXPECT_EQ(fault("\x83Z"), "a frame of the kind 90");
  EXPECT_EQ(fault("\x83"
                  "D\1"),
            "a frame with an atom cache that was not agreed on");
  EXPECT_EQ(fault("\x83"
                  "D\0"s +
                  link + "a"),
            "1 bytes are left in a frame");
  EXPECT_EQ(fault("\x83"
                  "D\0h"s),
            "control message: byte 1: expected 1 bytes, 0 are left");
  EXPECT_EQ(fault("\x83"
                  "D\0a\1"s),
            "control message: a control message is a tuple");
  EXPECT_EQ(fault("\x83"
                  "E" +
                  seq),
            "a fragment that cannot be");
  EXPECT_EQ(fault("\x83"
                  "E" +
                  seq + std::string(8, '\0')),
            "a signal of no fragments");
  EXPECT_EQ(fault("\x83"
                  "E" +
                  seq + seq + "\0"s + link),
            "a signal in fragments with nothing behind it");
  EXPECT_EQ(fault("\x83"
                  "F" +
                  seq + seq)
                .substr(0, 12),
            "the fragment");
  EXPECT_EQ(fault("D", plain), "a frame that begins with 68");
  EXPECT_EQ(fault("p", plain), "a term without a version");
  EXPECT_EQ(fault("\x83"
                  "D\0"s +
                      link,
                  offered, {.frame = 10}),
            "a frame of " + std::to_string(link.size() + 3) + " bytes; 10 are allowed");
}

TEST_F(frames, a_frame_is_refused_before_its_bytes_have_come) {
  frame_reader reader(offered, nodes);
  reader.feed("\xff\xff\xff\xff");
  EXPECT_EQ(reader.next().error(), "a frame of 4294967295 bytes; 134217728 are allowed");
}

TEST_F(frames, unfinished_signals_are_bounded) {
  const frame_writer writer(offered, nodes);
  const term big = std::string(150'000, 'b');
  const encoded_signal s = writer.encode(send_signal{a, b}, &big);
  std::string firsts;
  for (std::uint64_t i = 0; i < 4; ++i) writer.append(firsts, s, 0, i);
  const auto fault_of = [&](const std::string& bytes, frame_limits limits) {
    frame_reader reader(offered, nodes, limits);
    reader.feed(bytes);
    return reader.next().error();
  };
  EXPECT_EQ(fault_of(firsts, {.unfinished = 3}), "more than 3 signals are unfinished");
  EXPECT_EQ(fault_of(firsts, {.unfinished_bytes = 200'000}),
            "unfinished signals take more than 200000 bytes");
  std::string more;
  writer.append(more, s, 0, 1);
  writer.append(more, s, 1, 1);
  EXPECT_EQ(fault_of(more, {.unfinished_bytes = 100'000}), "unfinished signals take more than 100000 bytes");
  std::string twice;
  writer.append(twice, s, 0, 1);
  writer.append(twice, s, 0, 1);
  EXPECT_EQ(fault_of(twice, {}), "the fragments 1 begin twice");
  std::string skipped;
  writer.append(skipped, s, 0, 1);
  writer.append(skipped, s, 2, 1);
  EXPECT_EQ(fault_of(skipped, {}), "the fragment 1 of 1 is not the next one");
}

} // namespace
} // namespace coppice::dist

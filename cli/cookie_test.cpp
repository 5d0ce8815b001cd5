#include "cli/cookie.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace coppice::cli {
namespace {

namespace fs = std::filesystem;

class cookie_file : public testing::Test {
protected:
  cookie_file() {
    std::string name = (fs::temp_directory_path() / "coppice-cookie-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~cookie_file() override { fs::remove_all(folder_); }

  /// What is read out of a file with that text and those rights.
  std::expected<std::string, std::string> read(const std::string& text, unsigned mode = 0600) {
    std::ofstream(path()) << text;
    fs::permissions(path(), static_cast<fs::perms>(mode));
    return read_cookie(path());
  }
  [[nodiscard]] std::string path() const { return folder_ / "cookie"; }

private:
  fs::path folder_;
};

TEST_F(cookie_file, is_a_line) {
  EXPECT_EQ(read("SECRET"), "SECRET");
  EXPECT_EQ(read("with blanks within \r\n\n"), "with blanks within");
  EXPECT_EQ(read(std::string(255, 'x') + "\n"), std::string(255, 'x'));
}

TEST_F(cookie_file, that_others_may_read_is_refused) {
  for (unsigned mode : {0640U, 0604U, 0620U, 0601U}) {
    const auto refused = read("SECRET", mode);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().find(path()), std::string::npos);
    EXPECT_NE(refused.error().find("chmod 600"), std::string::npos);
    EXPECT_EQ(refused.error().find("SECRET"), std::string::npos);
  }
  EXPECT_EQ(read("SECRET", 0400), "SECRET");
}

TEST_F(cookie_file, without_a_cookie_is_refused) {
  EXPECT_NE(read(" \n").error().find("nothing in it"), std::string::npos);
  for (const std::string& bad : {std::string("SECRET\nline"), std::string("SECRET\x01"),
                                 std::string(256, 'x'), std::string(100000, 'x')}) {
    const auto refused = read(bad);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().find(bad.substr(0, 6)), std::string::npos);
  }
}

TEST_F(cookie_file, that_is_none_is_refused) {
  EXPECT_NE(read_cookie(path()).error().find("--cookie-file"), std::string::npos);
  fs::create_directory(path());
  fs::permissions(path(), fs::perms::owner_all);
  EXPECT_NE(read_cookie(path()).error().find("it is no file"), std::string::npos);
}

} // namespace
} // namespace coppice::cli

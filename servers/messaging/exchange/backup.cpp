#include "servers/messaging/exchange/backup.hpp"

#include "servers/messaging/shell/files.hpp"

#include <array>
#include <filesystem>
#include <fmt/format.h>
#include <sys/stat.h>

namespace coppice::messaging::exchange {
namespace {

namespace fs = std::filesystem;

constexpr const char* database_file = "messaging.db";
constexpr const char* uploads_folder = "uploads";
/// What belongs to the server besides; the token of administrators is made anew.
constexpr std::array own_files{"secret", "certificate.pem", "key.pem"};

std::expected<void, std::string> copy_private(const std::string& from, const std::string& to) {
  auto text = read_file(from);
  if (!text) return std::unexpected(text.error());
  return write_private(to, *text);
}

std::expected<void, std::string> copy_own_files(const std::string& from, const std::string& to) {
  for (const char* name : own_files) {
    const std::string file = from + "/" + name;
    if (!is_there(file)) continue;
    if (auto copied = copy_private(file, to + "/" + name); !copied) return copied;
  }
  return {};
}

/// They do not change once they are there, so two names for one file do. Those that go meanwhile have gone.
std::expected<void, std::string> copy_uploads(const std::string& from, const std::string& to) {
  if (!is_there(from + "/" + uploads_folder)) return {};
  const std::string target = to + "/" + uploads_folder;
  if (auto made = make_folder(target); !made) return made;
  std::error_code error;
  for (const fs::directory_entry& one : fs::directory_iterator(from + "/" + uploads_folder, error)) {
    const fs::path copy = fs::path(target) / one.path().filename();
    std::error_code failed;
    fs::create_hard_link(one.path(), copy, failed);
    if (failed) {
      failed.clear();
      fs::copy_file(one.path(), copy, failed);
    }
    if (failed && failed != std::errc::no_such_file_or_directory) {
      return std::unexpected("cannot copy '" + one.path().string() + "': " + failed.message());
    }
  }
  if (error) return std::unexpected("cannot read '" + from + "/" + uploads_folder + "': " + error.message());
  return {};
}

} // namespace

std::string unfinished_name(const std::string& copy) { return copy + ".unfinished"; }

bool is_in_folder(const store::database& db) { return !db.place().starts_with("postgres"); }

std::expected<void, std::string> begin_backup(const std::string& copy) {
  if (is_there(copy)) return std::unexpected("'" + copy + "' is there already: give a name that is not");
  std::error_code error;
  fs::remove_all(unfinished_name(copy), error); // of one that was broken off
  if (error) return std::unexpected("cannot remove '" + unfinished_name(copy) + "': " + error.message());
  return make_folder(unfinished_name(copy));
}

std::expected<void, std::string> finish_backup(const std::string& folder, const std::string& copy) {
  const std::string here = unfinished_name(copy);
  if (auto copied = copy_own_files(folder, here); !copied) return copied;
  if (auto copied = copy_uploads(folder, here); !copied) return copied;
  std::error_code error;
  fs::rename(here, copy, error);
  if (error) return std::unexpected("cannot make '" + copy + "': " + error.message());
  return {};
}

std::expected<void, std::string> back_up(const store::database& db, const std::string& folder,
                                         const std::string& copy) {
  if (auto begun = begin_backup(copy); !begun) return begun;
  if (is_in_folder(db)) {
    if (auto saved = db.back_up_now(unfinished_name(copy) + "/" + database_file); !saved) {
      return std::unexpected(saved.error().text);
    }
  }
  return finish_backup(folder, copy);
}

std::expected<void, std::string> restore(const std::string& copy, const std::string& folder) {
  for (const char* name : {database_file, "secret", uploads_folder}) {
    if (!is_there(fs::path(folder) / name)) continue;
    return std::unexpected(
        fmt::format("'{}' holds the data of a server ('{}'): move that away first, or give "
                    "another folder",
                    folder, name));
  }
  if (!is_there(copy + "/secret")) {
    return std::unexpected("'" + copy + "' is no copy that 'coppice messaging backup' has made");
  }
  if (auto copied = copy_own_files(copy, folder); !copied) return copied;
  if (auto copied = copy_uploads(copy, folder); !copied) return copied;
  // Last: without it there is no server's data, and what was broken off can be begun again.
  if (!is_there(copy + "/" + database_file)) return {};
  const std::string target = folder + "/" + database_file;
  std::error_code error;
  fs::copy_file(copy + "/" + database_file, target + ".new", fs::copy_options::overwrite_existing, error);
  if (!error) fs::permissions(target + ".new", fs::perms::owner_read | fs::perms::owner_write, error);
  if (!error) fs::rename(target + ".new", target, error);
  if (error) return std::unexpected("cannot write '" + target + "': " + error.message());
  return {};
}

} // namespace coppice::messaging::exchange

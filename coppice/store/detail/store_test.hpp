// What tests of durable data share: a fresh database of each kind. PostgreSQL is a real server, started once
// a program in a folder of its own, that nobody else can reach.
#pragma once

#include "coppice/store/database.hpp"

#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <libpq-fe.h>
#include <pwd.h>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace coppice::store::testing {

/// A folder that goes with its owner.
class scratch {
public:
  scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "coppice_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  ~scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }
  [[nodiscard]] std::string path() const { return path_.string(); }

private:
  std::filesystem::path path_;
};

/// The server of the program; ends with it, even if it is killed.
class postgres_server {
public:
  static postgres_server& instance() {
    static postgres_server one;
    return one;
  }
  postgres_server(const postgres_server&) = delete;
  postgres_server& operator=(const postgres_server&) = delete;
  ~postgres_server() {
    ::kill(server_, SIGQUIT);
    ::waitpid(server_, nullptr, 0);
    ::close(log_);
  }

  /// A new, empty database.
  std::string new_database() {
    const std::string name = "test" + std::to_string(++databases_);
    run("postgres", "CREATE DATABASE " + name);
    return url(name);
  }
  [[nodiscard]] std::string url(const std::string& name) const {
    return "postgresql://coppice@/" + name + "?host=" + folder_.path();
  }
  /// Ends all other connections to a database, and waits until they have gone.
  void cut_off(const std::string& name) {
    run("postgres", "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '" + name +
                        "' AND pid <> pg_backend_pid()");
  }
  /// Does something as the administrator.
  void run(const std::string& name, const std::string& sql) {
    PGconn* on = PQconnectdb(url(name).c_str());
    PGresult* result = PQexec(on, sql.c_str());
    const ExecStatusType status = PQresultStatus(result);
    const std::string why = PQerrorMessage(on);
    PQclear(result);
    PQfinish(on);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) throw std::runtime_error(why);
  }

private:
  static constexpr const char* programs = "/usr/lib/postgresql/15/bin/";

  postgres_server() {
    if (::geteuid() == 0) { // PostgreSQL refuses to run as root
      const passwd* user = ::getpwnam("postgres");
      if (user == nullptr) user = ::getpwnam("nobody");
      uid_ = user->pw_uid;
      gid_ = user->pw_gid;
      if (::chown(folder_.path().c_str(), uid_, gid_) != 0) std::abort();
    }
    const std::string data = folder_.file("data");
    const pid_t made = start({"initdb", "-D", data, "-A", "trust", "-U", "coppice", "-E", "UTF8",
                              "--locale=C", "--no-sync", "--no-instructions"});
    read_until(""); // all of it
    ::waitpid(made, nullptr, 0);
    ::close(log_);
    server_ =
        start({"postgres", "-D", data, "-k", folder_.path(), "-c", "listen_addresses=", "-c", "fsync=off",
               "-c", "log_min_messages=log", "-c", "log_checkpoints=off", "-c", "max_connections=50"});
    if (!read_until("ready to accept connections")) {
      std::fprintf(stderr, "PostgreSQL does not start: %s\n", said_.c_str());
      std::abort();
    }
  }

  /// Starts one of its programs as a user that is not root, which ends when this program does.
  pid_t start(const std::vector<std::string>& words) {
    const std::string program = programs + words.front();
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) std::abort();
    const pid_t child = ::fork();
    if (child == 0) {
      if (uid_ != 0 && (::setgid(gid_) != 0 || ::setuid(uid_) != 0)) ::_exit(126);
      ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
      ::dup2(ends[1], STDOUT_FILENO);
      ::dup2(ends[1], STDERR_FILENO);
      ::close(ends[0]);
      ::close(ends[1]);
      if (::chdir("/") != 0) ::_exit(126);
      ::execv(program.c_str(), arguments.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    log_ = ends[0];
    return child;
  }

  /// Reads what it says until it says that; false: it ended before.
  bool read_until(const std::string& words) {
    said_.clear();
    std::array<char, 1024> buffer{};
    for (;;) {
      const ssize_t n = ::read(log_, buffer.data(), buffer.size());
      if (n <= 0) return false;
      said_.append(buffer.data(), static_cast<std::size_t>(n));
      if (!words.empty() && said_.find(words) != std::string::npos) return true;
    }
  }

  scratch folder_;
  uid_t uid_ = 0;
  gid_t gid_ = 0;
  pid_t server_ = 0;
  int log_ = -1;
  int databases_ = 0;
  std::string said_;
};

enum class kind { sqlite, postgres };

/// The tests with this are run on both kinds.
class on_both : public ::testing::TestWithParam<kind> {
protected:
  /// A new place, the same at each call.
  database_options at() {
    if (where_.empty()) {
      where_ =
          GetParam() == kind::sqlite ? folder_.file("test.db") : postgres_server::instance().new_database();
    }
    database_options options;
    options.where = where_;
    return options;
  }
  static database must_open(const database_options& options) {
    std::expected<database, std::string> opened = database::open(options);
    if (!opened) throw std::runtime_error(opened.error());
    return *opened;
  }
  [[nodiscard]] const scratch& folder() const noexcept { return folder_; }

private:
  scratch folder_;
  std::string where_;
};

inline std::string name_of(const ::testing::TestParamInfo<kind>& info) {
  return info.param == kind::sqlite ? "sqlite" : "postgres";
}

} // namespace coppice::store::testing

/// The suite on both kinds; the cases on PostgreSQL are run together, on one server.
#define COPPICE_ON_BOTH(suite)                                                                               \
  INSTANTIATE_TEST_SUITE_P(sqlite, suite, ::testing::Values(coppice::store::testing::kind::sqlite),          \
                           coppice::store::testing::name_of);                                                \
  INSTANTIATE_TEST_SUITE_P(postgres, suite, ::testing::Values(coppice::store::testing::kind::postgres),      \
                           coppice::store::testing::name_of)

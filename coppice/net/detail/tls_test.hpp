// What tests of TLS share: an authority that issues certificates into a folder of its own, and other programs
// as peers.
#pragma once

#include "coppice/net/detail/tls_context.hpp"
#include "coppice/runtime/blocking.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace coppice::net::testing {

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
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(file(name)) << text;
    return file(name);
  }

private:
  std::filesystem::path path_;
};

struct certificate_wish {
  std::string names;                            ///< as in openssl.cnf: "DNS:a.test,IP:127.0.0.1"; empty: none
  long from_seconds = -3600, to_seconds = 3600; ///< from now
  bool rsa = false;
};

/// Signs certificates; its own is in `ca_file()`.
class authority {
public:
  explicit authority(const std::string& name = "ca") : name_(name), key_(make_key(false)) {
    certificate_wish own;
    certificate_ = sign(name, own, key_.get(), true);
    save_certificate(ca_file(), certificate_.get());
  }
  [[nodiscard]] std::string ca_file() const { return folder_.file(name_ + ".pem"); }
  [[nodiscard]] const scratch& folder() const { return folder_; }

  tls_identity issue(const std::string& name, const certificate_wish& wish = {}) {
    detail::pkey_ptr key = make_key(wish.rsa);
    detail::x509_ptr made = sign(name, wish, key.get(), false);
    tls_identity files{folder_.file(name + ".crt"), folder_.file(name + ".key")};
    save_certificate(files.certificate_file, made.get());
    std::FILE* out = std::fopen(files.key_file.c_str(), "w");
    PEM_write_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(out);
    last_serial_ = serial_;
    return files;
  }

  /// A list that revokes what was issued last, or nothing.
  std::string revocations(bool with_the_last) {
    X509_CRL* list = X509_CRL_new();
    X509_CRL_set_version(list, 1);
    X509_CRL_set_issuer_name(list, X509_get_subject_name(certificate_.get()));
    ASN1_TIME* at = X509_time_adj_ex(nullptr, 0, -60, nullptr);
    X509_CRL_set1_lastUpdate(list, at);
    ASN1_TIME* next = X509_time_adj_ex(nullptr, 1, 0, nullptr);
    X509_CRL_set1_nextUpdate(list, next);
    if (with_the_last) {
      X509_REVOKED* one = X509_REVOKED_new();
      ASN1_INTEGER* serial = ASN1_INTEGER_new();
      ASN1_INTEGER_set(serial, last_serial_);
      X509_REVOKED_set_serialNumber(one, serial);
      X509_REVOKED_set_revocationDate(one, at);
      X509_CRL_add0_revoked(list, one);
      ASN1_INTEGER_free(serial);
    }
    X509_CRL_sign(list, key_.get(), EVP_sha256());
    std::string file = folder_.file(with_the_last ? "revoked.crl" : "empty.crl");
    std::FILE* out = std::fopen(file.c_str(), "w");
    PEM_write_X509_CRL(out, list);
    std::fclose(out);
    ASN1_TIME_free(at);
    ASN1_TIME_free(next);
    X509_CRL_free(list);
    return file;
  }

private:
  static detail::pkey_ptr make_key(bool rsa) {
    return detail::pkey_ptr(rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"));
  }
  static void save_certificate(const std::string& file, X509* c) {
    std::FILE* out = std::fopen(file.c_str(), "w");
    PEM_write_X509(out, c);
    std::fclose(out);
  }
  static void extend(X509* made, X509* issuer, int what, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, made, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
    X509_add_ext(made, extension, -1);
    X509_EXTENSION_free(extension);
  }
  detail::x509_ptr sign(const std::string& name, const certificate_wish& wish, EVP_PKEY* key,
                        bool self_signed) {
    detail::x509_ptr made(X509_new());
    X509_set_version(made.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), wish.from_seconds);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), wish.to_seconds);
    X509_set_pubkey(made.get(), key);
    const auto* text = reinterpret_cast<const unsigned char*>(name.c_str());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8, text, -1, -1, 0);
    X509* issuer = self_signed ? made.get() : certificate_.get();
    X509_set_issuer_name(made.get(), X509_get_subject_name(issuer));
    extend(made.get(), issuer, NID_basic_constraints, self_signed ? "critical,CA:TRUE" : "CA:FALSE");
    if (self_signed) extend(made.get(), issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
    if (!wish.names.empty()) extend(made.get(), issuer, NID_subject_alt_name, wish.names);
    X509_sign(made.get(), key_.get(), EVP_sha256());
    return made;
  }

  scratch folder_;
  std::string name_;
  detail::pkey_ptr key_;
  detail::x509_ptr certificate_;
  long serial_ = 1000;
  long last_serial_ = 0;
};

/// What a shell's command printed, both streams; at most 20 s.
struct ran {
  int status = -1;
  std::string output;
};
inline ran run_command(std::string command) {
  ran result;
  command = "timeout 20 sh -c '" + command + "' 2>&1 </dev/null";
  std::FILE* from = ::popen(command.c_str(), "r");
  std::array<char, 4096> buffer;
  while (std::size_t n = std::fread(buffer.data(), 1, buffer.size(), from))
    result.output.append(buffer.data(), n);
  result.status = WEXITSTATUS(::pclose(from));
  return result;
}
/// The same away from the cores, for processes.
inline task<ran> run(std::string command) {
  ran result = co_await blocking(&run_command, command);
  co_return std::move(result);
}

/// A program that runs until this goes; it can be talked with.
class peer_program {
public:
  explicit peer_program(std::vector<std::string> arguments) {
    std::array<int, 2> out{}, in{};
    if (::pipe2(out.data(), O_CLOEXEC) != 0 || ::pipe2(in.data(), O_CLOEXEC) != 0) std::abort();
    std::vector<char*> argv;
    for (std::string& a : arguments) argv.push_back(a.data());
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(in[0], 0);
      ::dup2(out[1], 1);
      ::dup2(out[1], 2);
      ::execvp(argv[0], argv.data());
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    input_ = in[1];
    output_ = ::fdopen(out[0], "r");
  }
  peer_program(const peer_program&) = delete;
  peer_program& operator=(const peer_program&) = delete;
  ~peer_program() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    ::close(input_);
    std::fclose(output_);
  }
  void say(const std::string& line) const {
    if (::write(input_, line.data(), line.size()) < 0) std::abort();
  }
  /// Reads its output up to a line that holds this; what follows there. Empty if it ended before.
  task<std::string> heard(std::string what) {
    std::string rest = co_await blocking(&read_up_to, output_, what);
    co_return std::move(rest);
  }

private:
  static std::string read_up_to(std::FILE* from, const std::string& what) {
    std::array<char, 1024> line;
    while (std::fgets(line.data(), static_cast<int>(line.size()), from) != nullptr) {
      std::string_view text(line.data());
      std::size_t at = text.find(what);
      if (at != std::string_view::npos) return std::string(text.substr(at + what.size()));
    }
    return {};
  }

  ::pid_t pid_ = -1;
  int input_ = -1;
  std::FILE* output_ = nullptr;
};

} // namespace coppice::net::testing

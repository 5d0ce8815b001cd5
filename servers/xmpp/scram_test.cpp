// The examples of RFC 5802 and RFC 7677, and clients that do not do as they do.
#include "servers/xmpp/scram.hpp"

#include "coppice/net/detail/base64.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace coppice::xmpp {
namespace {

using net::detail::from_base64;
using net::detail::to_base64;

std::string outcome(const std::expected<std::string, sasl_failure>& got) {
  return got ? *got : fmt::format("{}", got.error().condition);
}
std::string outcome(const std::expected<scram_user, sasl_failure>& got) {
  return got ? got->name + "|" + got->authorization : fmt::format("{}", got.error().condition);
}

const std::string salt_1 = *from_base64("QSXCR+Q6sek8bf92");
const std::string salt_256 = *from_base64("W22ZaJ0SNY7soEsUEjb6gQ==");

TEST(scram, the_example_of_rfc_5802) {
  scram_server server(scram_hash::sha1, false, {}, "3rfcNHYJY1ZVvWVs7j");
  EXPECT_EQ(outcome(server.first("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL")), "user|");
  EXPECT_EQ(server.challenge(*make_verifier(scram_hash::sha1, "pencil", salt_1, 4096)),
            "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096");
  EXPECT_EQ(outcome(server.last("c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
                                "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=")),
            "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=");
}

TEST(scram, the_example_of_rfc_7677) {
  scram_server server(scram_hash::sha256, false, {}, "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
  EXPECT_EQ(outcome(server.first("n,,n=user,r=rOprNGfwEbeRWgbNEkqO")), "user|");
  EXPECT_EQ(server.challenge(*make_verifier(scram_hash::sha256, "pencil", salt_256, 4096)),
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
  EXPECT_EQ(outcome(server.last("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                                "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")),
            "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

std::string keyed(std::string_view key, std::string_view text) {
  std::string out(32, '\0');
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       reinterpret_cast<unsigned char*>(out.data()), nullptr);
  return out;
}

/// A client that knows its password, with which the test can meddle.
struct client {
  std::string header = "n,,";
  std::string binding;
  std::string password = "pencil";

  [[nodiscard]] std::string proof(const std::string& said) const {
    std::string salted(32, '\0');
    PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                      reinterpret_cast<const unsigned char*>(salt_256.data()),
                      static_cast<int>(salt_256.size()), 4096, EVP_sha256(), 32,
                      reinterpret_cast<unsigned char*>(salted.data()));
    const std::string key = keyed(salted, "Client Key");
    std::string stored(32, '\0');
    EVP_Digest(key.data(), key.size(), reinterpret_cast<unsigned char*>(stored.data()), nullptr, EVP_sha256(),
               nullptr);
    std::string made = keyed(stored, said);
    for (std::size_t i = 0; i < made.size(); ++i) made[i] = static_cast<char>(made[i] ^ key[i]);
    return to_base64(made);
  }
  /// How the whole exchange ends.
  [[nodiscard]] std::string try_on(scram_server server) const {
    const std::string bare = "n=user,r=abc";
    if (const auto begun = server.first(header + bare); !begun) return std::string(begun.error().condition);
    const std::string challenge =
        server.challenge(*make_verifier(scram_hash::sha256, "pencil", salt_256, 4096));
    const std::string unproved = "c=" + to_base64(header + binding) + ",r=abcxyz";
    return outcome(server.last(unproved + ",p=" + proof(bare + "," + challenge + "," + unproved)))
        .substr(0, 2);
  }
};

scram_server server_of(bool plus, std::vector<channel_binding> offered = {}) {
  return {scram_hash::sha256, plus, std::move(offered), "xyz"};
}
const std::vector<channel_binding> exporter{{"tls-server-end-point", "another"},
                                            {"tls-exporter", "of this one"}};

TEST(scram, binds_to_the_channel) {
  const client unbound;
  EXPECT_EQ(unbound.try_on(server_of(false)), "v=");
  EXPECT_EQ(unbound.try_on(server_of(false, exporter)), "v="); // it can do no better
  EXPECT_EQ(unbound.try_on(server_of(true, exporter)), "malformed-request");
  const client bound{.header = "p=tls-exporter,,", .binding = "of this one"};
  EXPECT_EQ(bound.try_on(server_of(true, exporter)), "v=");
  EXPECT_EQ(bound.try_on(server_of(false, exporter)), "malformed-request");
  EXPECT_EQ(bound.try_on(server_of(true)), "malformed-request");
  const client between{.header = "p=tls-exporter,,", .binding = "of who is between"};
  EXPECT_EQ(between.try_on(server_of(true, exporter)), "no");
  const client could{.header = "y,,"};
  EXPECT_EQ(could.try_on(server_of(false)), "v=");
  EXPECT_EQ(could.try_on(server_of(false, exporter)), "not-authorized"); // somebody has taken the offer away
}

TEST(scram, refuses_a_wrong_password_and_a_decoy) {
  const client wrong{.password = "pencils"};
  EXPECT_EQ(wrong.try_on(server_of(false)), "no");
  const scram_verifier one = decoy_verifier(scram_hash::sha256, "nobody", "secret", 4096);
  EXPECT_EQ(one.salt, decoy_verifier(scram_hash::sha256, "nobody", "secret", 4096).salt);
  EXPECT_NE(one.salt, decoy_verifier(scram_hash::sha256, "nobody else", "secret", 4096).salt);
  EXPECT_NE(one.stored_key, decoy_verifier(scram_hash::sha256, "nobody", "secret", 4096).stored_key);
  EXPECT_EQ(one.salt.size(), 16U);
}

TEST(scram, refuses_first_messages_that_are_not_sound) {
  const auto first = [](std::string_view message) { return outcome(server_of(false).first(message)); };
  EXPECT_EQ(first("n,a=other,n=us=2Cer=3D,r=abc,x=later"), "us,er=|other");
  for (std::string_view message :
       {"", "n", "n,", "n,,", "n,,n=user", "n,,n=user,r=", "n,,n=,r=abc", "n,,n=a=b,r=abc", "n,,n=a=2,r=abc",
        "n,,m=x,n=user,r=abc", "x,,n=user,r=abc", "n,b=x,n=user,r=abc", "n,a=,n=user,r=abc",
        "n,,r=abc,n=user", "n,,n=user,r=a\x01", "n,,n=user,r=\xc3\xa4", "p=tls-exporter,,n=user,r=abc"}) {
    EXPECT_EQ(first(message), "malformed-request") << message;
  }
  EXPECT_EQ(first("n,,n=user,r=" + std::string(9000, 'a')), "malformed-request");
}

TEST(scram, refuses_last_messages_that_are_not_sound) {
  const std::string proof = to_base64(std::string(32, 'x'));
  const auto last = [](const std::string& message) {
    scram_server server = server_of(false);
    EXPECT_TRUE(server.first("n,,n=user,r=abc"));
    (void)server.challenge(*make_verifier(scram_hash::sha256, "pencil", salt_256, 4096));
    return outcome(server.last(message));
  };
  EXPECT_EQ(last("c=biws,r=abcxyz,p=" + proof), "not-authorized");
  EXPECT_EQ(last("c=biws,r=abcxyy,p=" + proof), "not-authorized");
  EXPECT_EQ(last("c=eSws,r=abcxyz,p=" + proof), "not-authorized");
  for (const std::string& message :
       {std::string(), "c=biws,r=abcxyz" + std::string(), "c=biws,r=abcxyz,p=" + std::string(),
        "c=biws,p=" + proof, "r=abcxyz,c=biws,p=" + proof, "c=biws,r=abcxyz,p=" + proof.substr(4),
        "c=biws,r=abcxyz,p=!" + proof, std::string(9000, 'a') + ",p=" + proof}) {
    EXPECT_EQ(last(message), "malformed-request") << message;
  }
}

TEST(scram, passwords_are_compared_in_their_form) {
  const scram_verifier v = *make_verifier(scram_hash::sha1, "I\xc2\xadX", salt_1, 1000); // a soft hyphen
  EXPECT_TRUE(is_password(v, "IX"));
  EXPECT_TRUE(is_password(v, "\xe2\x85\xa8")); // the roman nine
  EXPECT_FALSE(is_password(v, "ix"));
  EXPECT_FALSE(is_password(v, ""));
  EXPECT_FALSE(is_password(v, "\x07"));
  EXPECT_FALSE(make_verifier(scram_hash::sha1, "", salt_1, 1000));
  EXPECT_FALSE(make_verifier(scram_hash::sha1, "\x07", salt_1, 1000));
  EXPECT_FALSE(make_verifier(scram_hash::sha1, std::string(1024, 'a'), salt_1, 1000));
  EXPECT_EQ(random_bytes(24).size(), 24U);
  EXPECT_NE(random_bytes(24), random_bytes(24));
}

} // namespace
} // namespace coppice::xmpp

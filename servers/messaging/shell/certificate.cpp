#include "servers/messaging/shell/certificate.hpp"

#include "servers/messaging/shell/files.hpp"
#include "servers/xmpp/scram.hpp"

#include <memory>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace coppice::messaging {
namespace {

template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* p) const noexcept {
    Free(p);
  }
};
using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<&EVP_PKEY_free>>;
using certificate_ptr = std::unique_ptr<X509, freed_by<&X509_free>>;
using bio_ptr = std::unique_ptr<BIO, freed_by<&BIO_free>>;

constexpr long ten_years = 10L * 365 * 24 * 3600;

void extend(X509* certificate, int what, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
  if (extension == nullptr) return;
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

certificate_ptr make(EVP_PKEY* key, const std::string& domain) {
  certificate_ptr made(X509_new());
  X509* c = made.get();
  X509_set_version(c, X509_VERSION_3);
  const std::string number = xmpp::random_bytes(15);
  BIGNUM* serial = BN_bin2bn(reinterpret_cast<const unsigned char*>(number.data()), 15, nullptr);
  BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(c));
  BN_free(serial);
  X509_gmtime_adj(X509_getm_notBefore(c), -3600);
  X509_gmtime_adj(X509_getm_notAfter(c), ten_years);
  X509_NAME* name = X509_get_subject_name(c);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(domain.c_str()), -1, -1, 0);
  X509_set_issuer_name(c, name);
  X509_set_pubkey(c, key);
  extend(c, NID_basic_constraints, "critical,CA:FALSE");
  extend(c, NID_subject_alt_name, "DNS:" + domain + ",DNS:conference." + domain + ",DNS:upload." + domain);
  extend(c, NID_ext_key_usage, "serverAuth");
  if (X509_sign(c, key, EVP_sha256()) == 0) made.reset();
  return made;
}

template <class Write>
std::string as_pem(Write write) {
  const bio_ptr out(BIO_new(BIO_s_mem()));
  write(out.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

} // namespace

std::expected<net::tls_identity, std::string> own_certificate(const std::string& folder,
                                                              const std::string& domain) {
  net::tls_identity files{folder + "/certificate.pem", folder + "/key.pem"};
  if (is_there(files.certificate_file) && is_there(files.key_file)) return files;
  const key_ptr key(EVP_EC_gen("P-256"));
  const certificate_ptr certificate = key ? make(key.get(), domain) : nullptr;
  if (certificate == nullptr) {
    return std::unexpected("no certificate can be made for '" + domain + "': name one of your own");
  }
  const std::string key_text = as_pem(
      [&key](BIO* out) { PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  const std::string text = as_pem([&certificate](BIO* out) { PEM_write_bio_X509(out, certificate.get()); });
  if (auto written = write_private(files.key_file, key_text); !written) {
    return std::unexpected(written.error());
  }
  if (auto written = write_private(files.certificate_file, text); !written) {
    return std::unexpected(written.error());
  }
  return files;
}

} // namespace coppice::messaging

// SPDX-License-Identifier: Apache-2.0
#include "test/tls/made_certificates.h"

#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>

namespace gatehouse::tls {
namespace {

std::string TextOf(const BioPtr& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<size_t>(size)};
}

BioPtr NewMemory() { return BioPtr(BIO_new(BIO_s_mem())); }

void AddExtension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const one = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  X509_add_ext(certificate, one, -1);
  X509_EXTENSION_free(one);
}

KeyPtr NewKey(MadeOf::Key kind) {
  // Made once: they take a while.
  static const KeyPtr rsa(EVP_RSA_gen(2048));
  static const KeyPtr weak(EVP_RSA_gen(1024));
  if (kind == MadeOf::Key::kEc) {
    return KeyPtr(EVP_EC_gen("P-256"));
  }
  EVP_PKEY* const key = kind == MadeOf::Key::kRsa ? rsa.get() : weak.get();
  EVP_PKEY_up_ref(key);
  return KeyPtr(key);
}

ASN1_TIME* TimeFromNow(int64_t seconds) {
  return ASN1_TIME_set(nullptr, std::time(nullptr) + seconds);
}

}  // namespace

Made Make(const MadeOf& what) {
  static std::atomic<long> serial{1000};
  Made out{X509Ptr(X509_new()), NewKey(what.key)};
  X509* const one = out.certificate.get();
  X509_set_version(one, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(one), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(one), what.from);
  X509_gmtime_adj(X509_getm_notAfter(one), what.until);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(one), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(what.common_name.c_str()), -1,
                             -1, 0);
  X509_set_pubkey(one, out.key.get());
  const Made& issuer = what.issuer == nullptr ? out : *what.issuer;
  X509_set_issuer_name(one, X509_get_subject_name(issuer.certificate.get()));
  if (what.authority) {
    AddExtension(one, NID_basic_constraints, "critical,CA:TRUE");
    AddExtension(one, NID_key_usage, "critical,keyCertSign,cRLSign");
  }
  if (!what.names.empty()) {
    AddExtension(one, NID_subject_alt_name, what.names);
  }
  X509_sign(one, issuer.key.get(), EVP_sha256());
  return out;
}

std::string Pem(const Made& made) {
  const BioPtr bio = NewMemory();
  PEM_write_bio_X509(bio.get(), made.certificate.get());
  return TextOf(bio);
}

std::string KeyPem(const Made& made, const std::string& passphrase) {
  const BioPtr bio = NewMemory();
  PEM_write_bio_PrivateKey(bio.get(), made.key.get(),
                           passphrase.empty() ? nullptr : EVP_aes_128_cbc(),
                           reinterpret_cast<const unsigned char*>(passphrase.data()),
                           static_cast<int>(passphrase.size()), nullptr, nullptr);
  return TextOf(bio);
}

std::string CrlPem(const Made& issuer, const std::vector<const Made*>& revoked, int64_t until) {
  const CrlPtr list(X509_CRL_new());
  X509_CRL_set_version(list.get(), X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(issuer.certificate.get()));
  ASN1_TIME* const from = TimeFromNow(-7200);
  ASN1_TIME* const next = TimeFromNow(until);
  X509_CRL_set1_lastUpdate(list.get(), from);
  X509_CRL_set1_nextUpdate(list.get(), next);
  for (const Made* one : revoked) {
    X509_REVOKED* const entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(one->certificate.get()));
    X509_REVOKED_set_revocationDate(entry, from);
    X509_CRL_add0_revoked(list.get(), entry);
  }
  ASN1_TIME_free(from);
  ASN1_TIME_free(next);
  X509_CRL_sort(list.get());
  X509_CRL_sign(list.get(), issuer.key.get(), EVP_sha256());
  const BioPtr bio = NewMemory();
  PEM_write_bio_X509_CRL(bio.get(), list.get());
  return TextOf(bio);
}

std::string OcspDer(const Made& made, const Made& issuer, bool good, int64_t from, int64_t until) {
  OCSP_BASICRESP* const basic = OCSP_BASICRESP_new();
  OCSP_CERTID* const id =
      OCSP_cert_to_id(nullptr, made.certificate.get(), issuer.certificate.get());
  ASN1_TIME* const this_update = TimeFromNow(from);
  ASN1_TIME* const next_update = TimeFromNow(until);
  ASN1_TIME* const revoked = TimeFromNow(-10);
  OCSP_basic_add1_status(basic, id, good ? V_OCSP_CERTSTATUS_GOOD : V_OCSP_CERTSTATUS_REVOKED,
                         OCSP_REVOKED_STATUS_NOSTATUS, good ? nullptr : revoked, this_update,
                         next_update);
  OCSP_basic_sign(basic, issuer.certificate.get(), issuer.key.get(), EVP_sha256(), nullptr, 0);
  OCSP_RESPONSE* const response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
  unsigned char* der = nullptr;
  const int size = i2d_OCSP_RESPONSE(response, &der);
  std::string out(reinterpret_cast<const char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  OCSP_RESPONSE_free(response);
  OCSP_BASICRESP_free(basic);
  OCSP_CERTID_free(id);
  for (ASN1_TIME* one : {this_update, next_update, revoked}) {
    ASN1_TIME_free(one);
  }
  return out;
}

Folder::Folder() {
  const char* const base = std::getenv("TEST_TMPDIR");
  path_ = std::string(base == nullptr ? "/tmp" : base) + "/tlsXXXXXX";
  if (mkdtemp(path_.data()) == nullptr) {
    std::abort();
  }
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string Folder::Write(const std::string& name, const std::string& text) const {
  const std::string path = Path(name);
  std::ofstream(path + ".new", std::ios::binary) << text;
  std::filesystem::rename(path + ".new", path);
  return path;
}

}  // namespace gatehouse::tls

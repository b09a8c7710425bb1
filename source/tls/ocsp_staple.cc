// SPDX-License-Identifier: Apache-2.0
#include "source/tls/ocsp_staple.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>
#include <utility>

#include "source/tls/pem.h"
#include "source/tls/x509_text.h"

namespace gatehouse::tls {
namespace {

constexpr char kPemName[] = "OCSP RESPONSE";

struct ResponseFree {
  void operator()(OCSP_RESPONSE* one) const { OCSP_RESPONSE_free(one); }
  void operator()(OCSP_BASICRESP* one) const { OCSP_BASICRESP_free(one); }
  void operator()(X509_STORE* one) const { X509_STORE_free(one); }
};

tl::unexpected<Error> Unusable(std::string why) {
  ERR_clear_error();
  return Fail(ErrorCode::kInvalidConfig, ErrorSource::kConfig, std::move(why));
}

std::string DerOf(std::string_view bytes) {
  if (bytes.find("-----BEGIN") == bytes.npos) {
    return std::string(bytes);
  }
  const BioPtr bio = ReaderOf(bytes);
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  std::string out;
  if (PEM_read_bio(bio.get(), &name, &header, &data, &size) == 1 &&
      std::string_view(name) == kPemName) {
    out.assign(reinterpret_cast<const char*>(data), static_cast<size_t>(size));
  }
  OPENSSL_free(name);
  OPENSSL_free(header);
  OPENSSL_free(data);
  return out;
}

// The answer about the certificate with the serial number of `certificate`.
OCSP_SINGLERESP* AnswerAbout(OCSP_BASICRESP* basic, const X509* certificate) {
  for (int i = 0; i < OCSP_resp_count(basic); ++i) {
    OCSP_SINGLERESP* const one = OCSP_resp_get0(basic, i);
    ASN1_INTEGER* serial = nullptr;
    OCSP_id_get0_info(nullptr, nullptr, nullptr, &serial,
                      const_cast<OCSP_CERTID*>(OCSP_SINGLERESP_get0_id(one)));
    if (serial != nullptr && ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(certificate)) == 0) {
      return one;
    }
  }
  return nullptr;
}

bool IsSignedBy(OCSP_BASICRESP* basic, X509* issuer) {
  const std::unique_ptr<X509_STORE, ResponseFree> store(X509_STORE_new());
  X509_STORE_add_cert(store.get(), issuer);
  X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);
  STACK_OF(X509)* const others = sk_X509_new_null();
  sk_X509_push(others, issuer);
  const bool out = OCSP_basic_verify(basic, others, store.get(), 0) == 1;
  sk_X509_free(others);
  return out;
}

}  // namespace

Result<OcspStaple> ReadStaple(std::string_view bytes, X509* certificate, X509* issuer) {
  OcspStaple out;
  out.der = DerOf(bytes);
  const auto* at = reinterpret_cast<const unsigned char*>(out.der.data());
  ERR_clear_error();
  const std::unique_ptr<OCSP_RESPONSE, ResponseFree> response(
      d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(out.der.size())));
  if (response == nullptr) {
    return Unusable("is no OCSP response, neither DER nor PEM");
  }
  if (const int status = OCSP_response_status(response.get());
      status != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    return Unusable(std::string("holds a responder's refusal: ") +
                    OCSP_response_status_str(status));
  }
  const std::unique_ptr<OCSP_BASICRESP, ResponseFree> basic(
      OCSP_response_get1_basic(response.get()));
  OCSP_SINGLERESP* const answer =
      basic == nullptr ? nullptr : AnswerAbout(basic.get(), certificate);
  if (answer == nullptr) {
    return Unusable("says nothing of this certificate");
  }
  if (issuer != nullptr && !IsSignedBy(basic.get(), issuer)) {
    return Unusable("is not signed for the issuer of this certificate");
  }
  ASN1_GENERALIZEDTIME* this_update = nullptr;
  ASN1_GENERALIZEDTIME* next_update = nullptr;
  out.good = OCSP_single_get0_status(answer, nullptr, nullptr, &this_update, &next_update) ==
             V_OCSP_CERTSTATUS_GOOD;
  out.this_update = this_update == nullptr ? 0 : SecondsOf(*this_update);
  out.next_update = next_update == nullptr ? 0 : SecondsOf(*next_update);
  ERR_clear_error();
  return out;
}

}  // namespace gatehouse::tls

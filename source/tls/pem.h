// SPDX-License-Identifier: Apache-2.0
// Files with certificates and keys, and what holds them.
#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/base/error.h"

namespace gatehouse::tls {

struct X509Free {
  void operator()(X509* one) const;
};
struct KeyFree {
  void operator()(EVP_PKEY* one) const;
};
struct CrlFree {
  void operator()(X509_CRL* one) const;
};
struct BioFree {
  void operator()(BIO* one) const;
};
using X509Ptr = std::unique_ptr<X509, X509Free>;
using KeyPtr = std::unique_ptr<EVP_PKEY, KeyFree>;
using CrlPtr = std::unique_ptr<X509_CRL, CrlFree>;
using BioPtr = std::unique_ptr<BIO, BioFree>;

// Reads from `text`, which outlives it.
BioPtr ReaderOf(std::string_view text);

// Errors of these are the rest of a sentence about the file. All certificates, in their order; at
// least one.
Result<std::vector<X509Ptr>> ReadCertificates(std::string_view pem);
Result<std::vector<CrlPtr>> ReadCrls(std::string_view pem);
// `passphrase`: of a key that is protected by one.
Result<KeyPtr> ReadKey(std::string_view pem, const std::string& passphrase);

}  // namespace gatehouse::tls

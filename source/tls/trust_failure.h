// SPDX-License-Identifier: Apache-2.0
// Why a chain of certificates is not trusted, in the operator's words.
#pragma once

#include <string>

struct x509_store_ctx_st;

namespace gatehouse::tls {

// What a chain was verified with.
struct TrustFiles {
  const std::string& ca_file;  // Empty: whom the system trusts.
  const std::string& crl_file;
};

// The end of a sentence: "the certificate is for a.test, not b.test". REQUIRES: `chain` has been
// verified, with these files and for `name`, and failed.
std::string TrustFailure(x509_store_ctx_st* chain, const TrustFiles& files,
                         const std::string& name);
// Of the certificate that the peer shows as its own, in quotes, fit for logs.
std::string SubjectOf(const x509_store_ctx_st* chain);

}  // namespace gatehouse::tls

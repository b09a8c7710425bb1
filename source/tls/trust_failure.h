// SPDX-License-Identifier: Apache-2.0
// Why a chain of certificates is not trusted, in the operator's words.
#pragma once

#include <string>

#include "source/tls/client_settings.h"

struct x509_store_ctx_st;

namespace gatehouse::tls {

// The end of a sentence: "the certificate is for a.test, not b.test". REQUIRES: `chain` has been
// verified, as settings say and for `name`, and failed.
std::string TrustFailure(x509_store_ctx_st* chain, const ClientSettings& settings,
                         const std::string& name);

}  // namespace gatehouse::tls

// SPDX-License-Identifier: Apache-2.0
// What an OCSP responder has said of a certificate, shown with it (RFC 6066 section 8): from a file
// that somebody fetches it into.
#pragma once

#include <openssl/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "source/base/error.h"

namespace gatehouse::tls {

struct OcspStaple {
  std::string der;
  int64_t this_update = 0;  // Seconds since the epoch.
  int64_t next_update = 0;  // 0: it does not say.
  bool good = false;        // Else revoked, or unknown to the responder.

  bool ValidAt(int64_t now) const {
    return good && this_update <= now && (next_update == 0 || now < next_update);
  }
};

// `bytes`: DER or PEM. `issuer` may be null: then the signature is not looked at. An error is the
// rest of a sentence about the file.
Result<OcspStaple> ReadStaple(std::string_view bytes, X509* certificate, X509* issuer);

}  // namespace gatehouse::tls

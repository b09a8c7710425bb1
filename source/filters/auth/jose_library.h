// SPDX-License-Identifier: Apache-2.0
// The functions of librhonabwy that public keys need, loaded when the first such key is.
//
// That library brings forty others with it (GnuTLS, curl, LDAP, Kerberos …). Linked, they would
// cost every gateway 7 MiB of memory and 5 ms of its start, whether it knows a public key or not.
#pragma once

#include <rhonabwy.h>

namespace gatehouse::filters {

struct JoseLibrary {
  decltype(&r_global_init) global_init;
  decltype(&r_jwk_init) jwk_init;
  decltype(&r_jwk_is_valid) jwk_is_valid;
  decltype(&r_jwk_export_to_pem_der) jwk_export_to_pem_der;
  decltype(&r_jws_init) jws_init;
  decltype(&r_jws_free) jws_free;
  decltype(&r_jws_advanced_compact_parsen) jws_advanced_compact_parsen;
  decltype(&r_jws_get_alg) jws_get_alg;
  decltype(&r_jws_verify_signature) jws_verify_signature;
  decltype(&r_str_to_jwa_alg) str_to_jwa_alg;

  // Loads it when called first, which takes milliseconds, and keeps it; null when it can't be
  // loaded. Any thread.
  static const JoseLibrary* Get();
};

}  // namespace gatehouse::filters

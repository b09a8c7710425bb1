// SPDX-License-Identifier: Apache-2.0
#include "source/tls/openssl_error.h"

#include <openssl/err.h>

namespace gatehouse::tls {

std::string OpenSslReason(std::string_view otherwise) {
  const unsigned long error = ERR_get_error();
  const char* const reason = error == 0 ? nullptr : ERR_reason_error_string(error);
  ERR_clear_error();
  return reason == nullptr ? std::string(otherwise) : std::string(reason);
}

}  // namespace gatehouse::tls

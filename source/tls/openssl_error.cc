// SPDX-License-Identifier: Apache-2.0
#include "source/tls/openssl_error.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace gatehouse::tls {
namespace {

// OpenSSL makes a reason of each alert that the peer sends.
constexpr int kLastAlert = 255;

}  // namespace

std::string OpenSslReason(std::string_view otherwise) {
  const unsigned long error = ERR_get_error();
  const char* const text = error == 0 ? nullptr : ERR_reason_error_string(error);
  const int reason = ERR_GET_REASON(error);
  ERR_clear_error();
  if (text == nullptr) {
    return std::string(otherwise);
  }
  if (ERR_GET_LIB(error) == ERR_LIB_SSL) {
    if (reason >= SSL_AD_REASON_OFFSET && reason <= SSL_AD_REASON_OFFSET + kLastAlert) {
      const std::string_view words = text;  // "tlsv13 alert certificate required"
      constexpr std::string_view kAlert = " alert ";
      const size_t at = words.find(kAlert);
      return "the peer says \"" +
             std::string(words.substr(at == words.npos ? 0 : at + kAlert.size())) + "\"";
    }
    if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST) {
      return "what it says is not TLS";
    }
  }
  return text;
}

}  // namespace gatehouse::tls

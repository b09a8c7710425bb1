// SPDX-License-Identifier: Apache-2.0
#include "source/tls/verify_peer.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "source/tls/layer.h"
#include "source/tls/trust_failure.h"

namespace gatehouse::tls {
namespace {

int CheckIndex() {
  static const int index = SSL_get_ex_new_index(
      0, nullptr, nullptr, nullptr, [](void*, void* check, CRYPTO_EX_DATA*, int, long, void*) {
        delete static_cast<PeerCheck*>(check);
      });
  return index;
}

SpkiPin PinOf(X509* certificate) {
  SpkiPin out{};
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (size > 0) {
    EVP_Digest(der, static_cast<size_t>(size), out.data(), nullptr, EVP_sha256(), nullptr);
  }
  OPENSSL_free(der);
  return out;
}

bool IsPinned(const std::vector<SpkiPin>& pins, X509* certificate) {
  return std::find(pins.begin(), pins.end(), PinOf(certificate)) != pins.end();
}

// A chain that has been verified may have the pin anywhere. Otherwise only the certificate whose
// key the peer has shown to have: it could send any others.
bool AnyPinned(const PeerCheck& check, X509_STORE_CTX* chain) {
  const std::vector<SpkiPin>& pins = check.context->settings.pins;
  if (!check.context->settings.verify) {
    X509* const leaf = X509_STORE_CTX_get0_cert(chain);
    return leaf != nullptr && IsPinned(pins, leaf);
  }
  STACK_OF(X509)* const verified = X509_STORE_CTX_get0_chain(chain);
  for (int i = 0; i < sk_X509_num(verified); ++i) {
    if (IsPinned(pins, sk_X509_value(verified, i))) {
      return true;
    }
  }
  return false;
}

}  // namespace

void SetPeerCheck(ssl_st* ssl, std::unique_ptr<PeerCheck> check) {
  SSL_set_ex_data(ssl, CheckIndex(), check.release());
}

const PeerCheck* PeerCheckOf(const ssl_st* ssl) {
  return static_cast<const PeerCheck*>(SSL_get_ex_data(ssl, CheckIndex()));
}

int VerifyPeer(x509_store_ctx_st* chain, void*) {
  auto* const ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
  const PeerCheck* const check = PeerCheckOf(ssl);
  if (check == nullptr) {
    return 0;
  }
  const ClientSettings& settings = check->context->settings;
  if (settings.verify) {
    if (check->name.empty()) {
      X509_STORE_CTX_set_error(chain, X509_V_ERR_UNSPECIFIED);
      Layer::Explain(ssl, "there is no name that the certificate could be for: set server_name");
      return 0;
    }
    if (X509_verify_cert(chain) != 1) {
      Layer::Explain(ssl, TrustFailure(chain, {settings.ca_file, settings.crl_file}, check->name));
      return 0;
    }
  }
  if (!settings.pins.empty() && !AnyPinned(*check, chain)) {
    X509_STORE_CTX_set_error(chain, X509_V_ERR_CERT_REJECTED);
    Layer::Explain(ssl, "the certificate has none of the keys of pinned_spki");
    return 0;
  }
  return 1;
}

}  // namespace gatehouse::tls

// SPDX-License-Identifier: Apache-2.0
// Whether an endpoint is who it should be, and a sentence about why not.
#pragma once

#include <memory>
#include <string>

#include "source/tls/client_context.h"
#include "source/tls/client_sessions.h"

struct ssl_st;
struct x509_store_ctx_st;

namespace gatehouse::tls {

// Of one connection to an endpoint, in its SSL object.
struct PeerCheck {
  std::shared_ptr<const ClientContext> context;
  std::string name;  // Hostname or IP address that the certificate has to be for.
  std::string session_key;
  ClientSessions* sessions = nullptr;
};

void SetPeerCheck(ssl_st* ssl, std::unique_ptr<PeerCheck> check);
// Null when there is none.
const PeerCheck* PeerCheckOf(const ssl_st* ssl);

// For SSL_CTX_set_cert_verify_callback(): the chain, the name and the pins. What fails is explained
// to the connection's Layer.
int VerifyPeer(x509_store_ctx_st* chain, void*);

}  // namespace gatehouse::tls

// SPDX-License-Identifier: Apache-2.0
#include "source/tls/client_tls.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <string>
#include <utility>

#include "source/base/check.h"
#include "source/tls/client_context.h"
#include "source/tls/verify_peer.h"

namespace gatehouse::tls {
namespace {

// However long the endpoint would take them: a certificate that was withdrawn meanwhile must be
// noticed some day.
constexpr int64_t kMaxSessionSeconds = 2 * 60 * 60;

int OnNewSession(SSL* ssl, SSL_SESSION* session) {
  const PeerCheck* check = PeerCheckOf(ssl);
  if (check == nullptr || check->sessions == nullptr) {
    return 0;
  }
  // Its own may be spoilt when the connection ends in bad order, which says nothing about it.
  SslSessionPtr kept(SSL_SESSION_dup(session));
  if (kept != nullptr) {
    const int64_t life = std::min<int64_t>(kMaxSessionSeconds, SSL_SESSION_get_timeout(session));
    check->sessions->Put(check->session_key, check->context->generation, std::move(kept),
                         SSL_SESSION_get_time(session) + life);
  }
  return 0;
}

// Names that certificates are checked for, and that the endpoint is told (never an address: RFC
// 6066 section 3).
void SetName(SSL* ssl, const std::string& name) {
  X509_VERIFY_PARAM* param = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(
      param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (ParseIp(name)) {
    X509_VERIFY_PARAM_set1_ip_asc(param, name.c_str());
  } else if (!name.empty()) {
    X509_VERIFY_PARAM_set1_host(param, name.data(), name.size());
    SSL_set_tlsext_host_name(ssl, name.c_str());
  }
}

std::string NameOf(const ClientSettings& settings, const ClientTls::Peer& peer) {
  if (!settings.server_name.empty()) {
    return settings.server_name;
  }
  if (!peer.hostname.empty()) {
    // Certificates have no dot at the end, and neither has SNI (RFC 6066 section 3).
    return std::string(
        peer.hostname.substr(0, peer.hostname.size() - peer.hostname.ends_with('.')));
  }
  return peer.ip == IpAddress{} ? std::string() : peer.ip.ToString();
}

}  // namespace

ClientTls::ClientTls(ClientSettings settings) : settings_(std::move(settings)) {
  context_.Publish(ClientContext::TrustingNobody(settings_));
}

ClientTls::~ClientTls() = default;

Result<void> ClientTls::Load() {
  std::string why;
  std::shared_ptr<const ClientContext> made =
      ClientContext::Make(settings_, loads_ + 1, [&](const Problem& problem) {
        if (problem.fatal) {
          why += (why.empty() ? "" : "; ") + problem.message;
        }
      });
  if (made == nullptr) {
    return Fail(ErrorCode::kInvalidConfig, ErrorSource::kConfig, std::move(why));
  }
  ++loads_;
  SSL_CTX* const ssl = made->ssl.get();
  SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(ssl, OnNewSession);
  context_.Publish(std::move(made));
  return {};
}

std::shared_ptr<const Certificate> ClientTls::certificate() const {
  return context_.Get()->certificate;
}

std::unique_ptr<Layer> ClientTls::NewLayer(BufferPool& buffers, const Peer& peer,
                                           std::string_view alpn, ClientSessions& sessions) const {
  auto check = std::make_unique<PeerCheck>();
  check->context = context_.Get();
  check->name = NameOf(settings_, peer);
  check->session_key = std::string(peer.name) + ' ' + check->name;
  check->sessions = &sessions;
  SslPtr ssl(SSL_new(check->context->ssl.get()));
  GATEHOUSE_CHECK(ssl != nullptr, "out of memory");
  SetName(ssl.get(), check->name);
  SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const unsigned char*>(alpn.data()),
                      static_cast<unsigned>(alpn.size()));
  if (const SslSessionPtr session =
          sessions.Take(check->session_key, check->context->generation, std::time(nullptr))) {
    SSL_set_session(ssl.get(), session.get());
  }
  SetPeerCheck(ssl.get(), std::move(check));
  SSL_set_connect_state(ssl.get());
  return std::make_unique<Layer>(std::move(ssl), buffers);
}

}  // namespace gatehouse::tls

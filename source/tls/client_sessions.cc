// SPDX-License-Identifier: Apache-2.0
#include "source/tls/client_sessions.h"

#include <openssl/ssl.h>

#include <iterator>
#include <utility>

namespace gatehouse::tls {

void SslSessionDelete::operator()(ssl_session_st* session) const { SSL_SESSION_free(session); }

void ClientSessions::SetGeneration(uint64_t generation) {
  if (std::exchange(generation_, generation) != generation) {
    sessions_.clear();
  }
}

SslSessionPtr ClientSessions::Take(std::string_view key, uint64_t generation, int64_t now) {
  SetGeneration(generation);
  for (auto at = sessions_.begin(); at != sessions_.end();) {
    if (at->key != key) {
      ++at;
      continue;
    }
    if (now >= at->until || SSL_SESSION_is_resumable(at->session.get()) != 1) {
      at = sessions_.erase(at);
      continue;
    }
    SslSessionPtr out = std::move(at->session);
    if (SSL_SESSION_get_protocol_version(out.get()) < TLS1_3_VERSION) {
      SSL_SESSION_up_ref(out.get());
      at->session.reset(out.get());
    } else {
      sessions_.erase(at);
    }
    return out;
  }
  return nullptr;
}

void ClientSessions::Put(std::string_view key, uint64_t generation, SslSessionPtr session,
                         int64_t until) {
  if (generation != generation_) {
    return;  // Agreed on under what does not hold any more.
  }
  // Of TLS 1.2 the newest is enough: it can be used again and again.
  const bool once = SSL_SESSION_get_protocol_version(session.get()) >= TLS1_3_VERSION;
  const size_t most = once ? kMaxPerEndpoint - 1 : 0;
  size_t seen = 0;
  for (auto at = sessions_.begin(); at != sessions_.end();) {
    at = at->key != key || ++seen <= most ? std::next(at) : sessions_.erase(at);
  }
  if (sessions_.size() >= kMax) {
    sessions_.pop_back();
  }
  sessions_.push_front({std::string(key), std::move(session), until});
}

}  // namespace gatehouse::tls

// SPDX-License-Identifier: Apache-2.0
// Who the client is, and what upstreams are told of it: X-Forwarded-*, X-Real-IP, X-Request-Id,
// Via.
#pragma once

#include <string_view>

#include "source/base/ip.h"
#include "source/http/message/head.h"
#include "source/proxy/listener_settings.h"

namespace gatehouse::proxy {

// Whether `peer` is one of the listener's trusted_proxies.
bool IsTrusted(const ListenerSettings& settings, const IpAddress& peer);

// The client of a request that a trusted proxy passed on: the last address in X-Forwarded-For that
// no trusted proxy has. The peer itself when the field is absent or can't be read.
IpAddress ClientBehind(const ListenerSettings& settings, const IpAddress& peer,
                       const http::Headers& headers);

// The connection's part in the fields.
struct ForwardedFacts {
  std::string_view peer;    // As text; lives as long as the connection.
  std::string_view client;  // Likewise, or as long as the stream.
  std::string_view scheme;
  std::string_view request_id;  // Empty when the listener does not forward one.
  std::string_view via;         // "1.1 gatehouse"
  bool trusted = false;
};

// Rewrites the fields of `head` by the listener's `forwarded` settings. From a peer that is not
// trusted, X-Forwarded-Proto and -Host are replaced; X-Forwarded-For is appended to (readers trust
// its end, not its beginning).
void ApplyForwarded(const ListenerSettings& settings, const ForwardedFacts& facts,
                    http::RequestHead& head);

}  // namespace gatehouse::proxy

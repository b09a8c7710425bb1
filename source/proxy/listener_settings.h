// SPDX-License-Identifier: Apache-2.0
// What a listener does with its connections and streams, loaded from `listeners:`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "source/base/clock.h"
#include "source/base/ip.h"
#include "source/config/values.h"
#include "source/http/codec.h"
#include "source/tls/server_settings.h"

namespace gatehouse::proxy {

enum class ForwardedMode : uint8_t { kAppend, kReplace, kOff };
enum class EncodedSlash : uint8_t { kReject, kKeep };

struct ListenerSettings {
  std::string name;
  config::Address address;

  // `protocols`. With both: what clients agree to (ALPN), or in the clear what they begin with.
  bool http1 = true;
  bool http2 = true;
  std::optional<tls::ServerSettings> tls;

  bool proxy_protocol = false;  // Every connection begins with a PROXY header.
  std::vector<Cidr> trusted_proxies;
  ForwardedMode forwarded = ForwardedMode::kAppend;
  bool forward_real_ip = false;
  bool forward_request_id = false;
  bool merge_slashes = true;
  EncodedSlash encoded_slash = EncodedSlash::kReject;

  uint32_t max_connections = 20'000;         // Of all workers together.
  http::CodecLimits codec;                   // max_header_bytes, max_headers, upgrades.
  uint64_t max_requests_per_connection = 0;  // 0: no limit.

  Duration request_headers_timeout{std::chrono::seconds(10)};
  Duration request_body_idle_timeout{std::chrono::seconds(30)};
  Duration idle_timeout{std::chrono::seconds(75)};
  Duration tunnel_idle_timeout{std::chrono::hours(1)};  // Silence on both sides of a WebSocket.
};

}  // namespace gatehouse::proxy

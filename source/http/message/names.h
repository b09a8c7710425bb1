// SPDX-License-Identifier: Apache-2.0
// Header field names that the gateway acts on, each with a slot in every head.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gatehouse::http {

enum class Known : uint8_t {
  kNone,  // Any other name.
  kAccept,
  kAuthorization,
  kConnection,
  kContentLength,
  kContentType,
  kCookie,
  kDate,
  kExpect,
  kForwarded,
  kHost,
  kHttp2Settings,
  kKeepAlive,
  kLocation,
  kMaxForwards,
  kOrigin,
  kProxyConnection,
  kReferer,
  kServer,
  kTe,
  kTrailer,
  kTransferEncoding,
  kUpgrade,
  kUserAgent,
  kVia,
  kXForwardedFor,
  kXForwardedHost,
  kXForwardedProto,
  kXRealIp,
  kXRequestId,
  kCount,
};

inline constexpr size_t kKnownCount = static_cast<size_t>(Known::kCount);

// The slot of `name` (any case), or kNone.
Known LookUpName(std::string_view name);

// The lower-case spelling; empty for kNone.
std::string_view NameOf(Known known);

// Fields that belong to one connection and are never forwarded, whatever Connection says
// (RFC 9110 section 7.6.1).
bool IsHopByHop(Known known);

}  // namespace gatehouse::http

// SPDX-License-Identifier: Apache-2.0
// What of a request a limit counts by: `key: client_ip`, `key: claims.sub`,
// `key: [route, {header: x-tenant}]`.
//
// Keys are hashed, never stored, so they may be of any length. Each part is told apart from the
// next: ("a", "bc") is not ("ab", "c"). A part that the request lacks is its client's address
// instead, and that is no value the part could have. All values of a field count, but of a cookie
// the first alone.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "source/config/object.h"
#include "source/filters/traffic/sip_hash.h"
#include "source/http/message/head.h"
#include "source/observe/stream_info.h"

namespace gatehouse::filters {

// The words of an IPv6 address that count for one client: its first `prefix` bits. IPv4 addresses
// count whole.
class ClientBlock {
 public:
  explicit ClientBlock(uint8_t prefix = 64);
  std::array<uint64_t, 2> Words(const IpAddress& address) const;
  std::string ToText(const IpAddress& address) const;  // "192.0.2.1", "2001:db8::/64"
  uint8_t prefix() const { return prefix_; }

 private:
  uint8_t prefix_;
  std::array<uint64_t, 2> mask_{};
};

// One thing of a request.
struct LimitKeyPart {
  enum class Kind : uint8_t { kClientIp, kRoute, kListener, kIdentity, kHeader, kCookie };
  Kind kind = Kind::kClientIp;
  std::string name{};              // Of a header, in lower case, or of a cookie.
  observe::IdentityField field{};  // For kIdentity.

  std::string ToText() const;  // As configurations spell it: "claims.sub", "{header: x-tenant}"
};

class LimitKey {
 public:
  // By the client's address.
  LimitKey() : parts_(1) {}
  // Reads `key` and `ipv6_prefix`. Mistakes are errors.
  static LimitKey Load(config::Object& in);

  // Equal for equal keys, whatever their length. Any thread.
  uint64_t Hash(const SipKey& secret, const http::RequestHead& head,
                const observe::StreamInfo& info) const;
  // The bytes that are hashed: the same in every gateway, for stores that several share.
  std::string Spelled(const http::RequestHead& head, const observe::StreamInfo& info) const;
  // For people: "client_ip 192.0.2.1, header x-tenant". What clients send is not repeated.
  std::string Describe(const http::RequestHead& head, const observe::StreamInfo& info) const;
  // The same of a request that is only thought of: without an identity, it may have any.
  std::string Explain(const http::RequestHead& head, const observe::StreamInfo& info) const;

  // Whether it depends on who is calling.
  bool OfIdentity() const;
  // The same of keys that tell requests apart in the same way.
  std::string ToText() const;

 private:
  template <typename Sink>
  void Feed(const http::RequestHead& head, const observe::StreamInfo& info, Sink& sink) const;
  std::string Tell(const http::RequestHead& head, const observe::StreamInfo& info,
                   bool anybody) const;
  template <typename Visit>
  static void ForEachValue(const LimitKeyPart& part, const http::RequestHead& head,
                           const observe::StreamInfo& info, Visit visit);

  std::vector<LimitKeyPart> parts_;
  ClientBlock block_;
};

}  // namespace gatehouse::filters

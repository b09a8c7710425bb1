// SPDX-License-Identifier: Apache-2.0
// The PROXY protocol, versions 1 and 2 (HAProxy's specification of 2020/03/05): what a balancer in
// front says, before anything else, of the client whose connection it relays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "source/base/ip.h"

namespace gatehouse::proxy {

// What the bytes that a connection began with are.
struct ProxyHeader {
  enum class State : uint8_t { kIncomplete, kWhole, kMalformed };
  State state = State::kIncomplete;
  size_t size = 0;  // Of the whole header.
  // Whether it names a client: LOCAL, UNKNOWN and other families than IP don't. Then the
  // connection's own address counts (section 2.1 and 2.2).
  bool named = false;
  IpAddress source;
  uint16_t source_port = 0;
  const char* fault = nullptr;  // What is wrong with it.
};

// The longest header that is taken: version 2 may carry TLVs, which are skipped.
inline constexpr size_t kMaxProxyHeader = 4096;

// Looks at the first bytes of a connection. Bytes that can't become a header are malformed at once.
ProxyHeader ReadProxyHeader(std::string_view bytes);

// The reader of a connection's first bytes, as CodecIo feeds it: takes the header and nothing more.
class ProxyHeaderReader {
 public:
  size_t OnInput(std::string_view input) {
    header_ = ReadProxyHeader(input);
    return header_.state == ProxyHeader::State::kWhole ? header_.size : 0;
  }
  size_t input_room() const {
    return header_.state == ProxyHeader::State::kIncomplete ? kMaxProxyHeader : 0;
  }
  const ProxyHeader& header() const { return header_; }

 private:
  ProxyHeader header_;
};

}  // namespace gatehouse::proxy

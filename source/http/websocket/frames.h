// SPDX-License-Identifier: Apache-2.0
// Where WebSocket frames begin and end in a stream of bytes (RFC 6455 section 5.2).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gatehouse::http {

// Follows one direction of a tunnel. A control frame may be put in at every boundary, even between
// the fragments of a message (section 5.4). Payloads are neither unmasked nor kept.
class FrameBoundaries {
 public:
  // Passes over `bytes`.
  void Pass(std::string_view bytes);
  // Whether a frame would begin with the next byte.
  bool at_boundary() const { return header_size_ == 0 && payload_left_ == 0; }
  // How many of `bytes` come before the next boundary, which may be at once; all of them when there
  // is none among them. Passes over those.
  size_t PassToBoundary(std::string_view bytes);

 private:
  static constexpr size_t kMaxHeader = 14;

  // Passes over a header, or what there is of a payload; returns how many bytes that were.
  size_t Step(std::string_view bytes);
  // Takes what is missing of the current header; returns how many bytes that were.
  size_t TakeHeader(std::string_view bytes);
  size_t HeaderBytes() const;

  uint64_t payload_left_ = 0;
  uint8_t header_size_ = 0;  // Bytes of a header that is not whole.
  std::array<uint8_t, kMaxHeader> header_{};
};

// A Close frame as a server sends it, unmasked: 1001, "going away" (section 7.4.1).
inline constexpr std::string_view kGoingAwayFrame("\x88\x02\x03\xe9", 4);

}  // namespace gatehouse::http

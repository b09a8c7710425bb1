// SPDX-License-Identifier: Apache-2.0
#include "source/http/websocket/frames.h"

#include <algorithm>

namespace gatehouse::http {
namespace {

constexpr uint8_t kMasked = 0x80;
constexpr uint8_t kLength16 = 126;
constexpr uint8_t kLength64 = 127;
constexpr size_t kMaskBytes = 4;

}  // namespace

void FrameBoundaries::Pass(std::string_view bytes) {
  while (!bytes.empty()) {
    bytes.remove_prefix(Step(bytes));
  }
}

size_t FrameBoundaries::PassToBoundary(std::string_view bytes) {
  size_t passed = 0;
  while (passed < bytes.size() && !at_boundary()) {
    passed += Step(bytes.substr(passed));
  }
  return passed;
}

size_t FrameBoundaries::Step(std::string_view bytes) {
  if (payload_left_ == 0) {
    return TakeHeader(bytes);
  }
  const auto passed = static_cast<size_t>(std::min<uint64_t>(payload_left_, bytes.size()));
  payload_left_ -= passed;
  return passed;
}

// What the bytes so far tell of the header's size.
size_t FrameBoundaries::HeaderBytes() const {
  if (header_size_ < 2) {
    return 2;
  }
  const uint8_t length = header_[1] & ~kMasked;
  const size_t extended = length == kLength64 ? 8 : length == kLength16 ? 2 : 0;
  return 2 + extended + ((header_[1] & kMasked) != 0 ? kMaskBytes : 0);
}

size_t FrameBoundaries::TakeHeader(std::string_view bytes) {
  size_t taken = 0;
  while (taken < bytes.size() && header_size_ < HeaderBytes()) {
    header_[header_size_++] = static_cast<uint8_t>(bytes[taken++]);
  }
  if (header_size_ < HeaderBytes()) {
    return taken;
  }
  const uint8_t length = header_[1] & ~kMasked;
  payload_left_ = length;
  if (length >= kLength16) {
    payload_left_ = 0;
    for (size_t i = 0; i < (length == kLength64 ? 8u : 2u); ++i) {
      payload_left_ = payload_left_ << 8 | header_[2 + i];
    }
  }
  header_size_ = 0;
  return taken;
}

}  // namespace gatehouse::http

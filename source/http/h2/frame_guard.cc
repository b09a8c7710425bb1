// SPDX-License-Identifier: Apache-2.0
#include "source/http/h2/frame_guard.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cstring>

namespace gatehouse::http {
namespace {

constexpr size_t kPrefaceBytes = NGHTTP2_CLIENT_MAGIC_LEN;
constexpr uint8_t kHeaderBytes = 9;
constexpr uint32_t kPriorityBytes = 5;
constexpr uint8_t kDependencyBytes = 4;
// A DATA frame shorter than this for want of window earns no WINDOW_UPDATE.
constexpr size_t kTinyData = 256;

// What is told of each count, in their order.
constexpr const char* kWhat[] = {
    "too many streams reset",          "too many PING frames",
    "too many SETTINGS frames",        "too many frames without content",
    "too many frames that do nothing", "too many WINDOW_UPDATE frames",
};

}  // namespace

FrameGuard::FrameGuard(Side side, const Http2Limits& limits, Clock clock)
    : limits_(limits),
      clock_(clock),
      side_(side),
      skip_(side == Side::kServer ? kPrefaceBytes : 0),
      window_begin_(clock()) {}

size_t FrameGuard::Inspect(std::string_view input) {
  size_t at = 0;
  while (at < input.size()) {
    if (skip_ != 0) {
      const size_t skipped = std::min<uint64_t>(skip_, input.size() - at);
      skip_ -= skipped;
      at += skipped;
      continue;
    }
    const size_t frame_at = at - std::min<size_t>(at, head_size_);
    const size_t taken = std::min<size_t>(head_wanted_ - head_size_, input.size() - at);
    std::memcpy(head_.data() + head_size_, input.data() + at, taken);
    head_size_ += static_cast<uint8_t>(taken);
    at += taken;
    if (head_size_ < head_wanted_) {
      break;
    }
    if (head_wanted_ == kHeaderBytes) {
      head_wanted_ += PayloadWanted();
      if (head_size_ < head_wanted_) {
        continue;
      }
    }
    OnFrame();
    if (fault_) [[unlikely]] {
      return frame_at;
    }
    head_size_ = 0;
    head_wanted_ = kHeaderBytes;
  }
  return at;
}

FrameGuard::Frame FrameGuard::ReadHeader() const {
  const uint32_t length = uint32_t{head_[0]} << 16 | uint32_t{head_[1]} << 8 | head_[2];
  return {length, ReadStream(5), head_[3], head_[4]};
}

// A stream's identifier.
uint32_t FrameGuard::ReadStream(size_t at) const {
  return (uint32_t{head_[at]} << 24 | uint32_t{head_[at + 1]} << 16 | uint32_t{head_[at + 2]} << 8 |
          head_[at + 3]) &
         0x7fffffff;
}

// How much of the payload is looked at, too: the length of padding, the stream that another is to
// depend on.
uint8_t FrameGuard::PayloadWanted() const {
  const Frame frame = ReadHeader();
  switch (frame.type) {
    case NGHTTP2_DATA:
    case NGHTTP2_HEADERS:
      return (frame.flags & NGHTTP2_FLAG_PADDED) != 0 && frame.length != 0 ? 1 : 0;
    case NGHTTP2_PRIORITY:
      return frame.length == kPriorityBytes ? kDependencyBytes : 0;
    default:
      return 0;
  }
}

void FrameGuard::OnFrame() {
  const Frame frame = ReadHeader();
  const uint8_t payload = head_wanted_ - kHeaderBytes;
  skip_ = frame.length - payload;
  const uint64_t padding = payload == 1 ? uint64_t{1} + head_[kHeaderBytes] : 0;
  const uint64_t content = frame.length - std::min<uint64_t>(padding, frame.length);
  const bool ack = (frame.flags & NGHTTP2_FLAG_ACK) != 0;
  switch (frame.type) {
    case NGHTTP2_DATA:
      return OnData(frame, content);
    case NGHTTP2_HEADERS:
      return OnHeaders(frame, content);
    case NGHTTP2_CONTINUATION:
      return OnContinuation(frame);
    case NGHTTP2_PRIORITY:
      return OnPriority(frame);
    case NGHTTP2_RST_STREAM:
      NoteEnd(frame.stream);
      return Raise(Count::kResets);
    case NGHTTP2_PING:
      return Raise(Count::kPings);
    case NGHTTP2_SETTINGS:
      return ack ? Raise(Count::kIdle) : Raise(Count::kSettings);
    case NGHTTP2_WINDOW_UPDATE:
      return Raise(Count::kWindowUpdates);
    default:
      return Raise(Count::kIdle);
  }
}

void FrameGuard::OnData(const Frame& frame, uint64_t content) {
  CheckStream(frame);
  const bool end = (frame.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  if (end) {
    NoteEnd(frame.stream);
  } else if (content == 0) {
    Raise(Count::kEmpty);
  }
}

void FrameGuard::OnHeaders(const Frame& frame, uint64_t content) {
  if (side_ == Side::kServer && frame.stream > highest_) {
    Advance(frame.stream);
    opened_.set(IndexOf(frame.stream));
  } else {
    CheckStream(frame);
  }
  continuations_ = 0;
  if ((frame.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
    NoteEnd(frame.stream);
  }
  const bool has_priority = (frame.flags & NGHTTP2_FLAG_PRIORITY) != 0;
  if (content <= (has_priority ? kPriorityBytes : 0)) {
    Raise(Count::kEmpty);
  }
}

void FrameGuard::OnContinuation(const Frame& frame) {
  if (++continuations_ > limits_.max_continuations) {
    Fail(NGHTTP2_ENHANCE_YOUR_CALM, PeerFault::kAbuse,
         "a header block in too many CONTINUATION frames");
  } else if (frame.length == 0) {
    Raise(Count::kEmpty);
  }
}

// nghttp2 does not look at these frames where we don't want them (SETTINGS_NO_RFC7540_PRIORITIES).
void FrameGuard::OnPriority(const Frame& frame) {
  if (frame.stream == 0) {
    Fail(NGHTTP2_PROTOCOL_ERROR, PeerFault::kProtocol, "PRIORITY for no stream");
  } else if (frame.length != kPriorityBytes) {
    Fail(NGHTTP2_FRAME_SIZE_ERROR, PeerFault::kProtocol, "PRIORITY of a wrong length");
  } else if (ReadStream(kHeaderBytes) == frame.stream) {
    Fail(NGHTTP2_PROTOCOL_ERROR, PeerFault::kProtocol, "a stream that depends on itself");
  } else {
    Raise(Count::kIdle);
  }
}

// What nghttp2 would ignore: DATA and HEADERS on streams that are over as far as their sender is
// concerned (RFC 9113 section 5.1), and streams opened out of order (section 5.1.1). Frames on
// streams that only we have reset may still be on their way, and are no fault.
void FrameGuard::CheckStream(const Frame& frame) {
  if (!IsRemembered(frame.stream)) {
    return;
  }
  const size_t index = IndexOf(frame.stream);
  if (ended_.test(index)) {
    Fail(NGHTTP2_STREAM_CLOSED, PeerFault::kProtocol, "a frame on a stream that its sender ended");
  } else if (side_ == Side::kServer && frame.type == NGHTTP2_HEADERS && !opened_.test(index)) {
    Fail(NGHTTP2_PROTOCOL_ERROR, PeerFault::kProtocol, "a stream opened out of order");
  }
}

void FrameGuard::NoteEnd(uint32_t stream) {
  // Responses end in any order.
  if (side_ == Side::kClient && stream > highest_) {
    Advance(stream);
  }
  if (IsRemembered(stream)) {
    ended_.set(IndexOf(stream));
  }
}

// Forgets those that are as far behind as that.
void FrameGuard::Advance(uint32_t stream) {
  const uint32_t steps = std::min<uint32_t>((stream - highest_ + 1) / 2, kRemembered);
  for (uint32_t i = 0; i < steps; ++i) {
    const size_t index = IndexOf(stream - 2 * i);
    opened_.reset(index);
    ended_.reset(index);
  }
  highest_ = stream;
}

bool FrameGuard::IsRemembered(uint32_t stream) const {
  return stream % 2 == 1 && stream <= highest_ && highest_ - stream < 2 * kRemembered;
}

void FrameGuard::OnResetSent(uint32_t code) {
  switch (code) {
    case NGHTTP2_NO_ERROR:
    case NGHTTP2_INTERNAL_ERROR:
    case NGHTTP2_CANCEL:
      return;
    default:
      Raise(Count::kResets);
  }
}

void FrameGuard::OnDataSent(size_t bytes, bool more) {
  if (bytes >= kTinyData || !more) {
    ++data_sent_;
  }
}

void FrameGuard::Raise(Count count) {
  uint32_t& counter = counts_[static_cast<size_t>(count)];
  if (++counter <= LimitOf(count)) [[likely]] {
    return;
  }
  // Time is asked for only here.
  const MonotonicTime now = clock_();
  if (now - window_begin_ > limits_.abuse_window) {
    window_begin_ = now;
    counts_.fill(0);
    data_sent_ = 0;
    counter = 1;
    return;
  }
  Fail(NGHTTP2_ENHANCE_YOUR_CALM, PeerFault::kAbuse, kWhat[static_cast<size_t>(count)]);
}

uint64_t FrameGuard::LimitOf(Count count) const {
  switch (count) {
    case Count::kResets:
      return limits_.max_resets;
    case Count::kPings:
      // Some measure the path with a PING for each DATA frame they get.
      return uint64_t{limits_.max_pings} + data_sent_;
    case Count::kSettings:
      return limits_.max_settings;
    case Count::kEmpty:
      return limits_.max_empty_frames;
    case Count::kIdle:
      return limits_.max_priority_frames;
    case Count::kWindowUpdates:
      return uint64_t{limits_.max_window_updates} + 2 * uint64_t{data_sent_};
  }
  return 0;
}

void FrameGuard::Fail(uint32_t code, PeerFault fault, const char* what) {
  if (!fault_) {
    fault_ = {code, fault, what};
  }
}

}  // namespace gatehouse::http

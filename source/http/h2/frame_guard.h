// SPDX-License-Identifier: Apache-2.0
// Looks at a connection's frames before nghttp2 does: what costs a peer little and us much is
// counted (RFC 9113 section 10.5), and what nghttp2 lets pass against the RFC is refused
// (section 5.1).
//
// Sees frame headers alone, nine bytes each and at most four more, and copies nothing. Counts start
// anew with each `abuse_window`, so that who stays below a limit in each may go on for ever.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "source/base/clock.h"
#include "source/http/codec.h"

namespace gatehouse::http {

// Why a connection is to be closed: GOAWAY with `code` (RFC 9113 section 7). Converts to false when
// it isn't. `what` is a literal, for operators.
struct GuardFault {
  uint32_t code = 0;
  PeerFault fault = PeerFault::kProtocol;
  const char* what = nullptr;

  explicit operator bool() const { return what != nullptr; }
};

class FrameGuard {
 public:
  enum class Side : uint8_t { kServer, kClient };  // Ours.
  using Clock = MonotonicTime (*)();

  // `limits` outlives this. Server side: the input begins with the client's preface.
  FrameGuard(Side side, const Http2Limits& limits, Clock clock = MonotonicNow);

  // Looks at the next bytes of input, which go to nghttp2 thereafter. Returns how many of them may:
  // all, or, when fault() is set by this, those before the frame that is one too many. Every byte
  // must be passed exactly once: what nghttp2 does not take at once (NGHTTP2_ERR_PAUSE) is not to
  // be passed again.
  size_t Inspect(std::string_view input);
  // The connection's end, once there is a reason for it; nothing is inspected after that.
  const GuardFault& fault() const { return fault_; }

  // A RST_STREAM leaves (nghttp2's on_frame_send): those that the peer's mistakes provoke are
  // counted as its own (CVE-2025-8671). May set fault(): look there after nghttp2 has sent.
  void OnResetSent(uint32_t code);
  // A DATA frame leaves: WINDOW_UPDATEs in answer to it are no abuse. `more`: the stream's window,
  // or the connection's, is what kept it from being longer.
  void OnDataSent(size_t bytes, bool more);

 private:
  // kIdle: PRIORITY, GOAWAY, acknowledgements, unknown types.
  enum class Count : uint8_t { kResets, kPings, kSettings, kEmpty, kIdle, kWindowUpdates };
  static constexpr size_t kCounts = 6;
  // Streams, back from the highest seen, whose state is remembered.
  static constexpr uint32_t kRemembered = 512;

  // A frame's header (RFC 9113 section 4.1).
  struct Frame {
    uint32_t length;
    uint32_t stream;
    uint8_t type;
    uint8_t flags;
  };

  Frame ReadHeader() const;
  uint32_t ReadStream(size_t at) const;
  uint8_t PayloadWanted() const;
  void OnFrame();
  // `content`: without padding.
  void OnData(const Frame& frame, uint64_t content);
  void OnHeaders(const Frame& frame, uint64_t content);
  void OnContinuation(const Frame& frame);
  void OnPriority(const Frame& frame);
  void CheckStream(const Frame& frame);
  void NoteEnd(uint32_t stream);
  void Advance(uint32_t stream);
  bool IsRemembered(uint32_t stream) const;
  static size_t IndexOf(uint32_t stream) { return stream / 2 % kRemembered; }
  void Raise(Count count);
  uint64_t LimitOf(Count count) const;
  void Fail(uint32_t code, PeerFault fault, const char* what);

  const Http2Limits& limits_;
  const Clock clock_;
  const Side side_;
  uint8_t head_size_ = 0;
  uint8_t head_wanted_ = 9;
  std::array<uint8_t, 13> head_;  // Of a frame, and the first bytes behind it.
  GuardFault fault_;
  uint64_t skip_;               // Bytes of the preface or of a frame's payload still to come.
  uint32_t continuations_ = 0;  // In the header block under way.
  uint32_t highest_ = 0;        // Stream seen.
  std::array<uint32_t, kCounts> counts_{};
  uint32_t data_sent_ = 0;  // Frames that earn WINDOW_UPDATEs.
  MonotonicTime window_begin_;
  std::bitset<kRemembered> opened_;  // HEADERS have come.
  std::bitset<kRemembered> ended_;   // END_STREAM or RST_STREAM has.
};

}  // namespace gatehouse::http

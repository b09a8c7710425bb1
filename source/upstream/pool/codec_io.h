// SPDX-License-Identifier: Apache-2.0
// Moves bytes from a socket into a codec: what both ends of a stream do the same way.
#pragma once

#include <span>
#include <string_view>

#include "source/base/buffer.h"
#include "source/event/loop.h"
#include "source/event/socket.h"
#include "source/observe/metrics.h"

namespace gatehouse::upstream {

// What connections of one worker share. Outlives them.
struct IoContext {
  event::Loop& loop;
  BufferPool& buffers;
  std::span<char> scratch;  // Where reads land; never kept past the callback.
  observe::MetricTable& metrics;
};

enum class ReadOutcome : uint8_t { kDrained, kMore, kEof, kError };

// Input side of one connection: reads while the codec wants input, keeps what it left over.
template <typename Codec>
class CodecIo {
 public:
  CodecIo(const IoContext& io, event::Socket& socket)
      : io_(io), socket_(socket), held_(io.buffers) {}

  // Feeds `codec` until the socket is drained, the codec has enough, or the turn's share is used up
  // (kMore: queue the connection and call again). The codec may close the socket meanwhile.
  ReadOutcome Pump(Codec& codec) {
    if (!held_.empty() && codec.wants_input() && socket_.open()) {
      OfferHeld(codec);
    }
    for (int reads = 0; socket_.open() && socket_.readable() && codec.wants_input(); ++reads) {
      if (reads == kReadsPerTurn) {
        return ReadOutcome::kMore;
      }
      const event::Socket::ReadResult got = socket_.Read(io_.scratch.data(), io_.scratch.size());
      bytes_ += got.bytes;
      if (got.bytes > 0) {
        Feed(codec, {io_.scratch.data(), got.bytes});
      }
      if (got.state == event::Socket::ReadState::kEof) {
        return ReadOutcome::kEof;
      }
      if (got.state == event::Socket::ReadState::kError) {
        return ReadOutcome::kError;
      }
    }
    return ReadOutcome::kDrained;
  }

  // Whether bytes wait for the codec. Not those it is looking at: what it makes of them, and
  // whether some are left over, is its to say.
  bool holds_input() const { return !offering_ && !held_.empty(); }
  void Discard() { held_.Release(); }
  // Bytes received so far.
  uint64_t bytes() const { return bytes_; }

 private:
  static constexpr int kReadsPerTurn = 4;

  void Feed(Codec& codec, std::string_view bytes) {
    if (held_.empty()) {
      held_.Append(bytes.substr(codec.OnInput(bytes)));
    } else {
      held_.Append(bytes);
      OfferHeld(codec);
    }
  }

  void OfferHeld(Codec& codec) {
    offering_ = true;
    const size_t used = codec.OnInput(held_.view());
    offering_ = false;
    held_.Consume(used);
  }

  const IoContext& io_;
  event::Socket& socket_;
  Buffer held_;
  uint64_t bytes_ = 0;
  bool offering_ = false;
};

}  // namespace gatehouse::upstream

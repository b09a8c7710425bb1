// SPDX-License-Identifier: Apache-2.0
// Moves bytes from a socket into a codec, or past it: what both ends of a stream do the same way.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "source/base/buffer.h"
#include "source/event/loop.h"
#include "source/event/pipe.h"
#include "source/event/socket.h"
#include "source/observe/metrics.h"

namespace gatehouse::upstream {

// What connections of one worker share. Outlives them.
struct IoContext {
  event::Loop& loop;
  BufferPool& buffers;
  event::PipePool& pipes;
  std::span<char> scratch;  // Where reads land; never kept past the callback.
  observe::MetricTable& metrics;
};

enum class ReadOutcome : uint8_t { kDrained, kMore, kEof, kError };

// Input side of one connection: reads while the codec wants input, keeps what it left over. Socket
// and context are the connection's and the same in every call.
class CodecIo {
 public:
  explicit CodecIo(BufferPool& buffers) : held_(buffers) {}

  // Feeds `codec` until the socket is drained, the codec has enough, or the turn's share is used up
  // (kMore: queue the connection and call again). The codec may close the socket meanwhile. Another
  // codec may go on where one has stopped.
  template <typename Codec>
  ReadOutcome Pump(const IoContext& io, event::Socket& socket, Codec& codec) {
    if (!held_.empty() && codec.input_room() > 0 && socket.open()) {
      OfferHeld(codec);
    }
    for (int reads = 0; socket.open(); ++reads) {
      if constexpr (requires { codec.raw_input(); }) {
        if (pipe_ != nullptr && held_.empty()) {
          return PumpSplice(io, socket, codec);
        }
      }
      const size_t room = socket.readable() ? codec.input_room() : 0;
      if (room == 0) {
        break;
      }
      if (reads == kReadsPerTurn) {
        return ReadOutcome::kMore;
      }
      const event::Socket::ReadResult got =
          socket.Read(io.scratch.data(), std::min(room, io.scratch.size()));
      bytes_ += static_cast<uint32_t>(got.bytes);
      if (got.bytes > 0) {
        Feed(codec, {io.scratch.data(), got.bytes});
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

  // Lets content go to `target` through a kernel pipe from here on, until the message ends or
  // Discard(). Only what codec.raw_input() promises goes that way, and its end is the codec's to
  // tell.
  void StartSplice(const IoContext& io, event::PipeTarget& target) {
    if (pipe_ == nullptr) {
      pipe_ = io.pipes.Take(target);
    }
  }
  // Whether the target's side has yet to take what is in the pipe.
  bool splice_blocked() const { return pipe_ != nullptr && pipe_->held() > 0; }

  // Whether bytes wait for the codec. Not those it is looking at: what it makes of them, and
  // whether some are left over, is its to say.
  bool holds_input() const { return !offering_ && !held_.empty(); }
  // What has been read and not delivered.
  std::string_view held() const { return held_.view(); }
  // Drops it.
  void Discard() {
    held_.Release();
    pipe_.reset();
  }
  // Bytes received since it was last asked.
  uint32_t TakeByteCount() { return std::exchange(bytes_, 0); }

 private:
  static constexpr int kReadsPerTurn = 4;
  static constexpr uint64_t kMaxSplice = 1024 * 1024;

  template <typename Codec>
  void Feed(Codec& codec, std::string_view bytes) {
    if (held_.empty()) {
      held_.Append(bytes.substr(codec.OnInput(bytes)));
    } else {
      held_.Append(bytes);
      OfferHeld(codec);
    }
  }

  template <typename Codec>
  void OfferHeld(Codec& codec) {
    offering_ = true;
    const size_t used = codec.OnInput(held_.view());
    offering_ = false;
    held_.Consume(used);
  }

  // One piece in and out again. What comes next is looked for on the next turn, when more of it
  // will have come: that costs no more than finding out now that nothing has.
  template <typename Codec>
  ReadOutcome PumpSplice(const IoContext& io, event::Socket& socket, Codec& codec) {
    event::Pipe& pipe = *pipe_;
    const uint64_t due = codec.raw_input();
    if (due == 0) {
      io.pipes.Give(std::move(pipe_));
      return ReadOutcome::kMore;
    }
    if (pipe.held() == 0) {
      if (!socket.readable()) {
        return ReadOutcome::kDrained;
      }
      const event::Socket::ReadResult got =
          socket.SpliceInto(pipe, std::min<uint64_t>(due, kMaxSplice));
      bytes_ += static_cast<uint32_t>(got.bytes);
      if (got.state == event::Socket::ReadState::kEof) {
        return ReadOutcome::kEof;
      }
      if (got.state == event::Socket::ReadState::kError) {
        return ReadOutcome::kError;
      }
      if (got.bytes == 0) {
        return ReadOutcome::kDrained;
      }
    }
    event::PipeTarget& target = pipe.target();
    const size_t sent = target.pipe_socket().SpliceFrom(pipe);
    const bool blocked = pipe.held() > 0;
    const bool end = sent == due;
    if (end) {
      io.pipes.Give(std::move(pipe_));  // The next message may begin.
    }
    if (sent > 0) {
      target.OnPiped(sent);
      // What was sent behind the content answers nobody: the connection can't be used again.
      codec.NoteReceived(sent, end && socket.HasInput());
    }
    return blocked ? ReadOutcome::kDrained : ReadOutcome::kMore;
  }

  Buffer held_;
  std::unique_ptr<event::Pipe> pipe_;  // While content goes past the codec.
  uint32_t bytes_ = 0;
  bool offering_ = false;
};

}  // namespace gatehouse::upstream

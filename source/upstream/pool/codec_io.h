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

// Where content may go past the codecs.
class SpliceTarget {
 public:
  virtual event::Socket& splice_socket() = 0;
  // The kernel has taken `bytes` more of the content; its end is still the codec's to tell.
  virtual void OnSpliced(size_t bytes) = 0;

 protected:
  ~SpliceTarget() = default;
};

// Input side of one connection: reads while the codec wants input, keeps what it left over.
template <typename Codec>
class CodecIo {
 public:
  CodecIo(const IoContext& io, event::Socket& socket)
      : io_(io), socket_(socket), held_(io.buffers) {}

  // Feeds `codec` until the socket is drained, the codec has enough, or the turn's share is used up
  // (kMore: queue the connection and call again). The codec may close the socket meanwhile.
  ReadOutcome Pump(Codec& codec) {
    if (!held_.empty() && codec.input_room() > 0 && socket_.open()) {
      OfferHeld(codec);
    }
    for (int reads = 0; socket_.open(); ++reads) {
      if (pipe_ != nullptr && held_.empty()) {
        return PumpSplice(codec);
      }
      const size_t room = socket_.readable() ? codec.input_room() : 0;
      if (room == 0) {
        break;
      }
      if (reads == kReadsPerTurn) {
        return ReadOutcome::kMore;
      }
      const event::Socket::ReadResult got =
          socket_.Read(io_.scratch.data(), std::min(room, io_.scratch.size()));
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

  // Lets content go to `target` through a kernel pipe from here on, until the message ends or
  // StopSplice(). Only what codec.raw_input() promises goes that way. `target` outlives it.
  void StartSplice(SpliceTarget& target) {
    if (pipe_ == nullptr) {
      pipe_ = io_.pipes.Take();
      splice_target_ = &target;
    }
  }
  // What is in the pipe is lost, and the codec not told of it.
  void StopSplice() {
    if (pipe_ != nullptr) {
      io_.pipes.Give(std::move(pipe_));
    }
  }
  // Whether the target's side has yet to take what is in the pipe.
  bool splice_blocked() const { return pipe_ != nullptr && pipe_->held() > 0; }

  // Whether bytes wait for the codec. Not those it is looking at: what it makes of them, and
  // whether some are left over, is its to say.
  bool holds_input() const { return !offering_ && !held_.empty(); }
  void Discard() {
    held_.Release();
    StopSplice();
  }
  // Bytes received so far.
  uint64_t bytes() const { return bytes_; }

 private:
  static constexpr int kReadsPerTurn = 4;
  static constexpr uint64_t kMaxSplice = 1024 * 1024;

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

  // One piece in and out again. What comes next is looked for on the next turn, when more of it
  // will have come: that costs no more than finding out now that nothing has.
  ReadOutcome PumpSplice(Codec& codec) {
    event::Pipe& pipe = *pipe_;
    const uint64_t due = codec.raw_input();
    if (due == 0) {
      StopSplice();
      return ReadOutcome::kMore;
    }
    if (pipe.held() == 0) {
      if (!socket_.readable()) {
        return ReadOutcome::kDrained;
      }
      const event::Socket::ReadResult got =
          socket_.SpliceInto(pipe, std::min<uint64_t>(due, kMaxSplice));
      bytes_ += got.bytes;
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
    SpliceTarget& target = *splice_target_;
    const size_t sent = target.splice_socket().SpliceFrom(pipe);
    const bool blocked = pipe.held() > 0;
    if (sent == due) {
      StopSplice();  // With the end, the connection may begin its next message.
    }
    if (sent > 0) {
      target.OnSpliced(sent);
      codec.NoteReceived(sent);
    }
    return blocked ? ReadOutcome::kDrained : ReadOutcome::kMore;
  }

  const IoContext& io_;
  event::Socket& socket_;
  Buffer held_;
  std::unique_ptr<event::Pipe> pipe_;  // While content goes past the codec.
  SpliceTarget* splice_target_ = nullptr;
  uint64_t bytes_ = 0;
  bool offering_ = false;
};

}  // namespace gatehouse::upstream

// SPDX-License-Identifier: Apache-2.0
// A client's connection: socket, codec, timeouts; one or more streams at a time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "source/event/deadline.h"
#include "source/event/socket.h"
#include "source/http/codec.h"
#include "source/pipeline/stream.h"
#include "source/proxy/worker.h"
#include "source/upstream/pool/codec_io.h"

namespace gatehouse::proxy {

class Stream;
struct PinnedSnapshot;

// Worker thread only; owned by its worker, lives and dies there.
class DownstreamConnection final : private event::Socket::Handler,
                                   private http::ByteSink,
                                   private http::ServerCodec::Events,
                                   private event::Deadline,
                                   private event::Ready {
 public:
  DownstreamConnection(Worker::Parts& worker, int fd, const event::SocketAddress& peer,
                       uint32_t listener, const ListenerPlan& plan);
  ~DownstreamConnection();

  uint32_t listener() const { return listener_; }
  const IpAddress& peer() const { return peer_; }
  uint16_t peer_port() const { return peer_port_; }
  std::string_view peer_text() const { return peer_text_; }
  // Whether the peer is one of the listener's trusted proxies: decided once.
  bool trusted() const { return trusted_; }

  // Where responses' content may go past the codec.
  event::Socket& socket() { return socket_; }

  // No further requests: closes after the response under way, or when none has come for a moment
  // (what a client has sent already is on its way and deserves an answer).
  void Drain();
  // The listener is going away: requests that still come are answered from `last`, which is pinned
  // until the connection is gone.
  void KeepSnapshot(PinnedSnapshot& last);
  // The stream has ended, whoever ended it.
  void OnStreamEnded() { stream_ = nullptr; }
  // Closes now; streams are told.
  void Abort(const Error& error);

  pipeline::Verdict Recall(const void* definition, uint64_t generation) const;
  void Remember(const void* definition, uint64_t generation, pipeline::Verdict verdict);

  size_t index = 0;  // For the worker's bookkeeping.

 private:
  enum class State : uint8_t { kOpen, kLingering, kClosed };

  void OnSocketEvent() override;
  void OnSocketDrained() override;
  void Write(std::string_view bytes) override {
    sent_bytes_ += bytes.size();
    socket_.Write(bytes);
  }
  char* Reserve(size_t bytes) override { return socket_.Reserve(bytes); }
  void Commit(size_t bytes) override {
    sent_bytes_ += bytes;
    socket_.Commit(bytes);
  }
  void Finish() override { socket_.ShutdownWrite(); }
  http::RequestEvents& OnStream(http::ResponseSender& sender) override;
  Arena& StreamArena(http::RequestEvents& stream) override;
  void OnStreamDone(http::RequestEvents& stream) override;
  void OnInputWanted() override;
  void OnCloseWanted(bool abrupt) override;
  void OnDeadline() override;
  void OnReady() override;

  void Pump();
  void WatchHead();
  bool CanRead() const;
  void Count(ListenerMetric metric, int64_t amount = 1);
  void CountBytes();
  void CountSent();
  void Linger();
  void DiscardInput();
  void Close(bool reset);
  bool MakesNoProgress();

  struct Remembered {
    const void* definition = nullptr;
    uint64_t generation = 0;
    pipeline::Verdict verdict = pipeline::Verdict::kUnknown;
  };

  Worker::Parts& worker_;
  const uint32_t listener_;
  std::shared_ptr<const ListenerSettings> settings_;
  std::shared_ptr<upstream::SharedLimit> limit_;
  const std::shared_ptr<const observe::MetricBlock> metric_block_;
  const ListenerSeries metrics_;
  event::Socket socket_;
  std::unique_ptr<http::ServerCodec> codec_;
  upstream::CodecIo<http::ServerCodec> input_;
  IpAddress peer_;
  uint16_t peer_port_ = 0;
  bool trusted_ = false;
  bool draining_ = false;
  bool eof_ = false;
  bool head_watched_ = false;  // The deadline is the head's, not the idle connection's.
  State state_ = State::kOpen;
  Stream* stream_ = nullptr;
  PinnedSnapshot* kept_ = nullptr;
  uint64_t requests_ = 0;
  uint64_t counted_bytes_ = 0;
  uint64_t sent_bytes_ = 0;  // Since the last CountSent().
  MonotonicTime idle_since_{};
  size_t last_pending_ = 0;        // Output not taken when last looked at,
  MonotonicTime pending_since_{};  // and since when it has been as much.
  std::string peer_text_;
  std::array<Remembered, 2> remembered_;
  uint8_t next_remembered_ = 0;
};

}  // namespace gatehouse::proxy

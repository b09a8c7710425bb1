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
#include "source/observe/tls_facts.h"
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
                                   private event::Ready,
                                   private event::TurnEnd,
                                   private event::Deadline {
 public:
  DownstreamConnection(Worker::Parts& worker, int fd, const event::SocketAddress& peer,
                       std::shared_ptr<const ListenerPlan> terms);
  ~DownstreamConnection();

  uint32_t listener() const { return terms_->id; }
  // The other end: the socket's, or the client that a PROXY header names.
  const IpAddress& peer() const { return peer_; }
  uint16_t peer_port() const { return peer_port_; }
  std::string_view peer_text() const { return peer_text_; }
  // Whether the peer is one of the listener's trusted proxies: decided once.
  bool trusted() const { return trusted_; }

  bool draining() const { return draining_; }
  // Where responses' content may go past the codec.
  event::Socket& socket() { return socket_; }
  // Whether bytes that are written are those on the wire.
  bool sends_raw() const { return socket_.layer() == nullptr; }
  // What the TLS handshake told; null in the clear. As long as the connection.
  const observe::TlsFacts* tls() const { return tls_facts_.get(); }

  // No further requests: closes after the response under way, or when none has come for a moment
  // (what a client has sent already is on its way and deserves an answer).
  void Drain();
  // The listener is going away: requests that still come are answered from `last`, which is pinned
  // until the connection is gone.
  void KeepSnapshot(PinnedSnapshot& last);
  // A stream has ended, whoever ended it.
  void OnStreamEnded(Stream& stream);
  // Closes now; streams are told.
  void Abort(const Error& error);

  pipeline::Verdict Recall(const void* definition, uint64_t generation) const;
  void Remember(const void* definition, uint64_t generation, pipeline::Verdict verdict);

  uint32_t index = 0;  // For the worker's bookkeeping.

 private:
  enum class State : uint8_t { kOpen, kLingering, kClosed };

  void OnSocketEvent() override;
  void QueueSocketEvent() override;
  void OnSocketDrained() override;
  void Write(std::string_view bytes) override {
    sent_bytes_ += static_cast<uint32_t>(bytes.size());
    socket_.Write(bytes);
  }
  char* Reserve(size_t bytes) override { return socket_.Reserve(bytes); }
  void Commit(size_t bytes) override {
    sent_bytes_ += static_cast<uint32_t>(bytes);
    socket_.Commit(bytes);
  }
  void Finish() override { socket_.ShutdownWrite(); }
  void WantFlush() override;
  size_t pending() const override { return socket_.pending(); }
  uint32_t MarkOutput() override;
  bool CutBack(uint32_t waiting) override;
  http::RequestEvents& OnStream(http::ResponseSender& sender) override;
  Arena& StreamArena(http::RequestEvents& stream) override;
  void OnStreamDone(http::RequestEvents& stream) override;
  void OnInputWanted() override;
  void OnCloseWanted(bool abrupt) override;
  void OnPeerFault(http::PeerFault fault, std::string_view what) override;
  void OnDeadline() override;
  void OnReady() override;
  void OnTurnEnd() override;

  void Pump();
  // What comes before the first request (downstream_setup.cc): whether it is through.
  bool SetUp();
  bool TakeProxyHeader();
  bool ShakeHands();
  void OnHandshakeOver();
  bool ChooseCodec();
  void UseCodec(bool http2);
  void BecomePeer(const IpAddress& address, uint16_t port);
  // Reads for one of those steps; whether there is a connection to go on with.
  bool SetUpGoesOn(upstream::ReadOutcome outcome);
  bool busy() const { return codec_ != nullptr && codec_->busy(); }
  void WatchHead(bool heard);
  void ArmHttp2();
  void OnHttp2Deadline();
  void OnHttp2Idle(MonotonicTime now);
  bool CanRead() const;
  void Count(ListenerMetric metric, int64_t amount = 1);
  // Whether any have come.
  bool CountBytes();
  void CountSent();
  void Linger();
  void DiscardInput();
  void Close(bool reset);
  bool MakesNoProgress();

  // How long a client may go on sending to a connection that is closing (RFC 9112 section 9.6).
  static constexpr Duration kLinger = std::chrono::seconds(2);
  // After a drain has begun: how long an idle client may still come with a request.
  static constexpr Duration kDrainGrace = std::chrono::milliseconds(500);

  static constexpr size_t kRemembered = 2;
  struct Remembered {
    const void* definition = nullptr;
    uint64_t generation = 0;
    pipeline::Verdict verdict = pipeline::Verdict::kUnknown;
  };

  uint32_t requests_ = 0;
  Worker::Parts& worker_;
  const std::shared_ptr<const ListenerPlan> terms_;  // Of its listener, when it came.
  event::Socket socket_;
  std::unique_ptr<http::ServerCodec> codec_;  // Null until it is known which it is to be.
  std::unique_ptr<const observe::TlsFacts> tls_facts_;
  upstream::CodecIo input_;
  uint32_t last_pending_ = 0;
  uint32_t sent_bytes_ = 0;  // Since the last CountSent().
  IpAddress peer_;
  uint16_t peer_port_ = 0;
  bool trusted_ = false;
  bool proxy_header_due_ = false;
  bool tls_due_ = false;  // The handshake is not over.
  bool draining_ = false;
  bool eof_ = false;
  bool http2_ = false;
  bool head_watched_ = false;  // The deadline is the head's, not the idle connection's.
  bool ticking_ = false;       // HTTP/2: the deadline is at most a second away.
  State state_ = State::kOpen;
  Stream* streams_ = nullptr;  // The newest one first.
  PinnedSnapshot* kept_ = nullptr;
  // Since when it is idle; while output is pending, since when as much of it as last_pending_ is.
  MonotonicTime idle_since_{};
  MonotonicTime head_since_{};  // With head_watched_.
  std::string peer_text_;
  // Made by the first filter that asks. The newest comes first.
  std::unique_ptr<std::array<Remembered, kRemembered>> remembered_;
};

}  // namespace gatehouse::proxy

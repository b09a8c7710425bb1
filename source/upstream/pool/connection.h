// SPDX-License-Identifier: Apache-2.0
// A connection to an endpoint: socket, codec, and how many streams it serves at the moment.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "source/event/deadline.h"
#include "source/event/socket.h"
#include "source/http/codec.h"
#include "source/upstream/cluster.h"
#include "source/upstream/endpoint.h"
#include "source/upstream/pool/codec_io.h"
#include "source/upstream/pool/waiter.h"

namespace gatehouse::upstream {

// What the connections of a pool have in common. Outlives them.
struct ConnectionTerms {
  Protocol protocol = Protocol::kAuto;
  uint32_t max_streams = 100;                         // Of our own, on one connection of HTTP/2.
  Duration connect_timeout{std::chrono::seconds(5)};  // With the TLS handshake.
  http::CodecLimits limits;
};

// Loop thread of its worker only. Owned by its ClusterPool.
class Connection final : private event::Socket::Handler,
                         private http::ByteSink,
                         private http::ClientCodec::Events,
                         private event::Deadline,
                         private event::Ready,
                         private event::TurnEnd {
 public:
  class Owner {
   public:
    // What is to protect `connection`, which has just been established; null: nothing.
    virtual std::unique_ptr<event::SocketLayer> NewLayer(Connection& connection) = 0;
    virtual void OnConnected(Connection& connection) = 0;
    // The connection is of no use any more: never established, idle and closed, or done and not
    // reusable. The owner forgets it (DeleteLater).
    virtual void OnConnectionLost(Connection& connection, const Error* connect_error) = 0;
    // A stream is over, or the endpoint has said how many there may be: see streams(), CanStart().
    virtual void OnConnectionFree(Connection& connection) = 0;
    // HTTP/2: it is known now whether CanUpgrade(), or it took too long to say so.
    virtual void OnConnectionSettled(Connection& connection) = 0;

   protected:
    ~Owner() = default;
  };

  // `http1_only`: whatever `terms` say of the protocol.
  Connection(const IoContext& io, std::shared_ptr<const Endpoint> endpoint, Owner& owner,
             const ConnectionTerms& terms, bool http1_only);

  // Starts connecting; OnConnected or OnConnectionLost follows, never from inside this call.
  void Connect();
  // Starts a request. REQUIRES: CanStart().
  http::RequestSender& Start(http::ResponseEvents& events, Arena& arena);
  // Lets the response's content go past the codec to `target`, as far as it can be.
  void StartSplice(event::PipeTarget& target) { input_.StartSplice(io_, target); }
  bool splice_blocked() const { return input_.splice_blocked(); }
  // The target has room again.
  void ContinueSplice() { io_.loop.Queue(*this); }
  // How much of it could.
  uint64_t raw_input() const { return socket_.layer() == nullptr ? codec_->raw_input() : 0; }
  // In the pool, without streams: closes itself after `timeout` (OnConnectionLost).
  void Park(Duration timeout);
  // Somebody waits for the SETTINGS of a connection that is established already.
  void AwaitSettings() { Tick(); }
  // HTTP/2: somebody has waited for an answer in vain, and nothing at all has come meanwhile. No
  // further streams start until something is heard. PING asks for that at once, unless one did so
  // within the last Http2Limits::ping_interval; who does not answer it within ping_timeout is given
  // up, and so is who is not asked, with its last stream. Streams end from the loop only.
  void Suspect();
  // Grows whenever something comes.
  uint32_t heard() const { return heard_; }
  // Closes without telling anybody.
  void Abandon();

  const Endpoint& endpoint() const { return *endpoint_; }
  // Requests started on it so far: more than one means it was reused.
  uint32_t requests() const { return requests_; }
  // Streams under way.
  uint32_t streams() const { return streams_; }
  bool connecting() const { return connecting_; }
  bool lost() const { return lost_; }
  // Whether the transport has come to its end, which is told to streams thereafter. Streams may
  // end with the same error while it goes on.
  bool transport_ended() const { return transport_ended_; }
  bool http2() const { return http2_; }
  bool http1_only() const { return http1_only_; }
  // HTTP/2: how many streams the endpoint and we allow; 0 while connecting, while it is suspected,
  // and once no more are to start.
  uint32_t limit() const { return doubt_ == Doubt::kNone ? limit_ : 0; }
  bool CanStart() const { return streams_ < limit() && (!http2_ || codec_->CanStart()); }
  // Whether the endpoint's SETTINGS have come, where it sends any.
  bool settled() const { return settled_; }
  // Whether it takes requests with RequestHead::upgrade, as far as is known.
  bool CanUpgrade() const { return !http2_ || (settled_ && codec_->CanUpgrade()); }

  // For the owner's bookkeeping.
  size_t index = 0;
  WaiterList waiters;
  bool listed = false;   // Among those that can take another stream.
  bool leaving = false;  // It gets no further ones.
  // HTTP/2: how many streams it is thought to allow, until its SETTINGS say so.
  uint32_t expected_streams = UINT32_MAX;

 private:
  static constexpr Duration kTick = std::chrono::seconds(1);
  // Whether it is still there; see Suspect().
  enum class Doubt : uint8_t { kNone, kNew, kAsked, kNotAsked };

  void OnSocketEvent() override;
  void QueueSocketEvent() override;
  void OnSocketDrained() override;
  void WantFlush() override { io_.loop.QueueTurnEnd(*this); }
  size_t pending() const override { return socket_.pending(); }
  void Write(std::string_view bytes) override { socket_.Write(bytes); }
  char* Reserve(size_t bytes) override { return socket_.Reserve(bytes); }
  void Commit(size_t bytes) override { socket_.Commit(bytes); }
  void Finish() override { socket_.ShutdownWrite(); }
  void OnStreamDone(bool reusable) override;
  void OnCapacityChanged() override;
  void OnInputWanted() override;
  void OnCloseWanted() override;
  void OnDeadline() override;
  void OnReady() override;
  void OnTurnEnd() override;

  void Pump();
  void OnTransportEnd();
  void GoOnConnecting();
  bool ShakeHands();
  void UseCodec(bool http2);
  void FailToConnect(ErrorCode code, std::string message);
  void OnHttp2Deadline();
  void Tick();
  void UpdateLimit();
  void NoteHeard();
  void AskIfThere(MonotonicTime now);
  std::string WhyBroken() const;
  void Lose(const Error* connect_error);

  const IoContext& io_;
  std::shared_ptr<const Endpoint> endpoint_;
  Owner& owner_;
  const ConnectionTerms& terms_;
  event::Socket socket_;
  std::unique_ptr<http::ClientCodec> codec_;  // Null until it is known which it is to be.
  CodecIo input_;
  MonotonicTime idle_due_{};    // HTTP/2, without streams: when it has been so for long enough.
  MonotonicTime settle_due_{};  // HTTP/2: until when who waits for SETTINGS does so.
  // How far the codec's clock is ahead of the loop's. PING comes after so much silence: where it is
  // to come at once, that much time has gone by.
  Duration clock_ahead_{};
  MonotonicTime next_ping_{};  // When a doubt may be asked about.
  uint32_t requests_ = 0;
  uint32_t heard_ = 0;
  uint32_t streams_ = 0;
  uint32_t limit_ = 0;
  int early_error_ = 0;  // connect() failed at once; told from the loop.
  bool connecting_ = false;
  bool http1_only_ = false;
  bool http2_ = false;
  bool settled_ = false;
  bool ticking_ = false;  // HTTP/2: the deadline is the next look at the streams under way.
  Doubt doubt_ = Doubt::kNone;
  bool transport_ended_ = false;
  bool lost_ = false;
};

}  // namespace gatehouse::upstream

// SPDX-License-Identifier: Apache-2.0
// A connection to an endpoint: socket, codec, and whom it serves at the moment.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "source/event/deadline.h"
#include "source/event/socket.h"
#include "source/http/codec.h"
#include "source/upstream/endpoint.h"
#include "source/upstream/pool/codec_io.h"

namespace gatehouse::upstream {

// Loop thread of its worker only. Owned by its ClusterPool.
class Connection final : private event::Socket::Handler,
                         private http::ByteSink,
                         private http::ClientCodec::Events,
                         private event::Deadline,
                         private event::Ready {
 public:
  class Owner {
   public:
    virtual void OnConnected(Connection& connection) = 0;
    // The connection is of no use any more: never established, idle and closed, or done and not
    // reusable. The owner forgets it (DeleteLater).
    virtual void OnConnectionLost(Connection& connection, const Error* connect_error) = 0;
    // The stream it served is over and another may start.
    virtual void OnConnectionIdle(Connection& connection) = 0;

   protected:
    ~Owner() = default;
  };

  Connection(const IoContext& io, std::shared_ptr<const Endpoint> endpoint, Owner& owner);

  // Starts connecting; OnConnected or OnConnectionLost follows, never from inside this call.
  void Connect(Duration timeout);
  // Starts a request. REQUIRES: connected and no stream under way.
  http::RequestSender& Start(http::ResponseEvents& events, Arena& arena);
  // Lets the response's content go past the codec to `target`, as far as it can be.
  void StartSplice(event::PipeTarget& target) { input_.StartSplice(io_, target); }
  bool splice_blocked() const { return input_.splice_blocked(); }
  // The target has room again.
  void ContinueSplice() { io_.loop.Queue(*this); }
  // How much of it could.
  uint64_t raw_input() const { return socket_.layer() == nullptr ? codec_->raw_input() : 0; }
  // In the pool: closes itself after `timeout` (OnConnectionLost).
  void Park(Duration timeout);
  // Closes without telling anybody.
  void Abandon();

  const Endpoint& endpoint() const { return *endpoint_; }
  // Requests started on it so far: more than one means it was reused.
  uint32_t requests() const { return requests_; }

  // For the owner's bookkeeping.
  size_t index = 0;
  void* waiter = nullptr;

 private:
  void OnSocketEvent() override;
  void QueueSocketEvent() override;
  void OnSocketDrained() override;
  void Write(std::string_view bytes) override { socket_.Write(bytes); }
  char* Reserve(size_t bytes) override { return socket_.Reserve(bytes); }
  void Commit(size_t bytes) override { socket_.Commit(bytes); }
  void Finish() override { socket_.ShutdownWrite(); }
  void OnStreamDone(bool reusable) override;
  void OnInputWanted() override;
  void OnCloseWanted() override;
  void OnDeadline() override;
  void OnReady() override;

  void Pump();
  void OnConnectEnd();
  void Lose(const Error* connect_error);

  const IoContext& io_;
  std::shared_ptr<const Endpoint> endpoint_;
  Owner& owner_;
  event::Socket socket_;
  std::unique_ptr<http::ClientCodec> codec_;
  CodecIo input_;
  uint32_t requests_ = 0;
  int early_error_ = 0;  // connect() failed at once; told from the loop.
  bool connecting_ = false;
  bool busy_ = false;
  bool lost_ = false;
};

}  // namespace gatehouse::upstream

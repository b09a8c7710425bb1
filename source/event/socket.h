// SPDX-License-Identifier: Apache-2.0
// A connected stream socket with its output buffer: one edge-triggered event for its whole life.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "source/base/buffer.h"
#include "source/event/address.h"
#include "source/event/loop.h"
#include "source/event/pipe.h"
#include "source/event/second_look.h"
#include "source/event/socket_layer.h"

namespace gatehouse::event {

// Loop thread only. The handler owns the socket; calls come from the loop, never from inside
// another call to the socket.
class Socket final : private Flushable {
 public:
  class Handler {
   public:
    // Input may have come, the peer may have closed, or an error is pending: Read() until it says
    // kDrained, kEof or kError. Also the end of Connect(). When sending failed, error() is set, but
    // what the peer sent before (an early response) can still be read.
    virtual void OnSocketEvent() = 0;
    // Has OnSocketEvent() called soon, from the loop: an error was found while sending.
    virtual void QueueSocketEvent() = 0;
    // All that was written has been taken by the kernel.
    virtual void OnSocketDrained() = 0;

   protected:
    ~Handler() = default;
  };

  enum class ReadState : uint8_t { kMore, kDrained, kEof, kError };
  struct ReadResult {
    size_t bytes = 0;
    ReadState state = ReadState::kDrained;
  };

  Socket(Loop& loop, BufferPool& pool, Handler& handler)
      : loop_(loop), handler_(handler), out_(pool) {}
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  // Takes over a connected, non-blocking descriptor. Adopt() and Connect(): once, or after Close().
  void Adopt(int fd);
  // Starts a connection; OnSocketEvent() follows, then connected() or error() tells. An error that
  // shows at once is returned (errno), and no event follows.
  int Connect(const SocketAddress& address);

  // From here on all bytes go through `layer`. `received`: what was read and belongs to it already.
  // The handshake goes on whenever Read() is called, which yields nothing before its end; a
  // client's begins at once. REQUIRES: connected, nothing pending.
  void AddLayer(std::unique_ptr<SocketLayer> layer, std::string_view received);
  // Null: bytes go out as they are.
  SocketLayer* layer() const { return sealed_ == nullptr ? nullptr : sealed_->layer.get(); }
  // Whether a handshake is under way.
  bool shaking_hands() const { return sealed_ != nullptr && !sealed_->layer->established(); }
  // The peer's FIN came without the layer's word that nothing follows: what ends with the
  // connection may have been cut short.
  bool truncated() const { return sealed_ != nullptr && sealed_->truncated; }

  bool open() const { return fd_ >= 0; }
  bool connecting() const { return connecting_; }
  bool connected() const { return open() && !connecting_ && error_ == 0; }
  // The errno that ended it; 0 while none has.
  int error() const { return error_; }
  // Whether reading may yield something: an edge was seen that no read has drained.
  bool readable() const { return readable_; }
  // The peer will send nothing more (its FIN may still be behind unread bytes).
  bool peer_closed() const { return peer_closed_; }

  // Whether the connection was reset, which a socket that nobody reads does not tell: then error()
  // is set. Costs a system call.
  bool LookForReset();

  // Whether there is input that nobody has read, be it the peer's FIN. Costs a system call.
  bool HasInput();
  // At most `size` bytes of input. A read that comes back short has drained the socket: no second
  // one is needed to learn it.
  ReadResult Read(char* into, size_t size);

  // Copies or sends `bytes`: small ones are gathered until the callback ends, large ones leave at
  // once together with what was gathered.
  void Write(std::string_view bytes);
  char* Reserve(size_t bytes) { return out_.Reserve(bytes); }
  void Commit(size_t bytes) {
    out_.Commit(bytes);
    loop_.QueueFlush(*this);
  }
  // Bytes the kernel has not taken yet.
  size_t pending() const { return out_.size() + (sealed_ == nullptr ? 0 : sealed_->wire.size()); }
  // Whether the kernel or a layer has taken any, also from a pipe, since ForgetSent().
  bool has_sent() const { return has_sent_; }
  void ForgetSent() { has_sent_ = false; }
  // Takes back what is pending beyond `bytes`, none of which a layer has taken.
  void CutPending(size_t bytes) { out_.Truncate(bytes - (pending() - out_.size())); }

  // Pipes are for sockets without a layer.
  // Moves at most `most` bytes of input into `pipe`, which is empty. kMore: there may be more;
  // kDrained comes with no bytes only.
  ReadResult SpliceInto(Pipe& pipe, size_t most);
  // Sends what is pending, then what `pipe` holds; returns how much of that the kernel took. If it
  // is not all, OnSocketDrained() comes when more can be sent.
  size_t SpliceFrom(Pipe& pipe);

  // Sends FIN after what is pending has left.
  void ShutdownWrite();
  // Closes now; pending output is lost, but a layer's peer is told that nothing follows. `reset`:
  // with RST instead of FIN.
  void Close(bool reset = false);

 private:
  // For a socket with a layer.
  struct Sealed {
    Sealed(std::unique_ptr<SocketLayer> layer, BufferPool& pool)
        : layer(std::move(layer)), wire(pool) {}
    std::unique_ptr<SocketLayer> layer;
    Buffer wire;              // Sealed and not taken by the kernel yet.
    bool holds_more = false;  // The layer has more for the owner than it has taken.
    bool truncated = false;
    bool finished = false;  // It has been told that nothing follows.
  };

  static constexpr size_t kDirectBytes = 8 * 1024;
  static constexpr size_t kSealAtOnce = 64 * 1024;
  static constexpr size_t kEventBytes = 128;  // Of libevent's `struct event`.
  static constexpr uint32_t kNoLook = UINT32_MAX;

  friend class SecondLook;
  struct event* event() { return reinterpret_cast<struct event*>(event_.data()); }
  void Register(int fd);
  void OnEvent(short what);
  void OnFlush() override;
  bool ReadSinceLastLook();
  void LookAgain();
  // Sends what is pending and `more`; what the kernel refuses is kept.
  void Send(std::string_view more, int flags = 0);
  ReadResult ReadSealed(char* into, size_t size);
  ReadResult Open(std::string_view wire, char* into, size_t size);
  void SendSealed(std::string_view more);
  void SendWire();
  void FinishLayer();
  void FailLater(int error);
  ReadResult NothingRead(ptrdiff_t result);
  void NoteRead(bool all_that_was_asked);

  Loop& loop_;
  Handler& handler_;
  Buffer out_;
  std::unique_ptr<Sealed> sealed_;
  alignas(void*) std::array<std::byte, kEventBytes> event_;  // While open.
  int fd_ = -1;
  int error_ = 0;
  uint32_t look_place_ = kNoLook;
  bool has_sent_ = false;
  bool read_since_look_ = false;
  bool readable_ = false;
  bool writable_ = false;
  bool peer_closed_ = false;
  bool connecting_ = false;
  bool shutdown_wanted_ = false;
  bool room_wanted_ = false;  // A pipe waits for the kernel to take more.
};

}  // namespace gatehouse::event

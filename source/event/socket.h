// SPDX-License-Identifier: Apache-2.0
// A connected stream socket with its output buffer: one edge-triggered event for its whole life.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "source/base/buffer.h"
#include "source/event/address.h"
#include "source/event/loop.h"
#include "source/event/pipe.h"
#include "source/event/second_look.h"

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
  size_t pending() const { return out_.size(); }
  // Whether the kernel has taken any, also from a pipe, since ForgetSent().
  bool has_sent() const { return has_sent_; }
  void ForgetSent() { has_sent_ = false; }
  // Takes back what is pending beyond `bytes`.
  void CutPending(size_t bytes) { out_.Truncate(bytes); }

  // Moves at most `most` bytes of input into `pipe`, which is empty. kMore: there may be more;
  // kDrained comes with no bytes only.
  ReadResult SpliceInto(Pipe& pipe, size_t most);
  // Sends what is pending, then what `pipe` holds; returns how much of that the kernel took. If it
  // is not all, OnSocketDrained() comes when more can be sent.
  size_t SpliceFrom(Pipe& pipe);

  // Sends FIN after what is pending has left.
  void ShutdownWrite();
  // Closes now; pending output is lost. `reset`: with RST instead of FIN.
  void Close(bool reset = false);

 private:
  static constexpr size_t kDirectBytes = 8 * 1024;
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
  void FailLater(int error);
  ReadResult NothingRead(ptrdiff_t result);

  Loop& loop_;
  Handler& handler_;
  Buffer out_;
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

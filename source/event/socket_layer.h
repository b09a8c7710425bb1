// SPDX-License-Identifier: Apache-2.0
// What stands between the bytes on the wire and those that a socket's owner reads and writes: TLS.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "source/base/buffer.h"

namespace gatehouse::event {

// Loop thread only; owned by its socket. Never sends or receives: it is given what came, and what
// it wants sent it appends to `out`.
class SocketLayer {
 public:
  enum class State {
    kHungry,  // It can't go on without more from the wire.
    kMore,    // It has more for the owner: call again, with nothing new, before reading on.
    kEnd,     // The peer has ended the connection in good order.
    kFailed,  // See failure(). `out` may hold a last word that says so.
  };
  struct Opened {
    size_t bytes = 0;  // Put where the owner wants them.
    State state = State::kHungry;
  };

  virtual ~SocketLayer() = default;

  // Whether the handshake is over. Until then Open() yields no bytes, and Seal() must not be
  // called.
  virtual bool established() const = 0;
  // Takes all of `wire`: opens what fits into `into`, keeps the rest. Goes on with the handshake
  // first; with its end comes kMore and no bytes, so that the owner can see what was agreed. With
  // an empty `wire`: what it holds; a client's handshake begins so.
  virtual Opened Open(std::string_view wire, char* into, size_t size, Buffer& out) = 0;
  // Appends to `out` what carries `plain`. False when it has failed.
  virtual bool Seal(std::string_view plain, Buffer& out) = 0;
  // Appends the word that nothing follows. Once, at most; also in the middle of a handshake.
  virtual void Finish(Buffer& out) = 0;
  // Why it has failed, for operators; empty while it has not.
  virtual const std::string& failure() const = 0;
};

}  // namespace gatehouse::event

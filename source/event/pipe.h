// SPDX-License-Identifier: Apache-2.0
// A kernel pipe: bytes go through it from one socket to another without being copied to us
// (splice(2)).
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace gatehouse::event {

class Socket;

// Where what goes through a pipe comes out.
class PipeTarget {
 public:
  virtual Socket& pipe_socket() = 0;
  // The kernel has taken `bytes` more.
  virtual void OnPiped(size_t bytes) = 0;

 protected:
  ~PipeTarget() = default;
};

// Made by a PipePool; Socket::SpliceInto() fills it, Socket::SpliceFrom() empties it.
class Pipe {
 public:
  ~Pipe();
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  // Bytes in it.
  size_t held() const { return held_; }
  PipeTarget& target() const { return *target_; }

 private:
  friend class PipePool;
  friend class Socket;
  Pipe(int read_fd, int write_fd) : read_fd_(read_fd), write_fd_(write_fd) {}

  const int read_fd_;
  const int write_fd_;
  size_t held_ = 0;
  PipeTarget* target_ = nullptr;
};

// Pipes kept for reuse, as making one costs several system calls. One per worker; not thread-safe.
// Descriptors are for connections first: few idle pipes are kept, and none are made out of the last
// quarter of what the process may open.
class PipePool {
 public:
  PipePool();

  // One that ends at `target`, which must outlive its use. Null when descriptors are scarce.
  std::unique_ptr<Pipe> Take(PipeTarget& target);
  // Keeps it if it is empty and few are kept; else closes it.
  void Give(std::unique_ptr<Pipe> pipe);

 private:
  size_t max_idle_ = 0;
  int last_fd_ = 0;  // Pipes have none past this one.
  std::vector<std::unique_ptr<Pipe>> idle_;
};

}  // namespace gatehouse::event

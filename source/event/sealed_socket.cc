// SPDX-License-Identifier: Apache-2.0
// The half of Socket that works when a layer (TLS) seals what goes out and opens what comes in.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <utility>

#include "source/base/check.h"
#include "source/event/socket.h"
#include "source/event/socket_calls.h"

namespace gatehouse::event {

void Socket::AddLayer(std::unique_ptr<SocketLayer> layer, std::string_view received) {
  GATEHOUSE_CHECK(sealed_ == nullptr && out_.empty(), "a layer in the middle of what is sent");
  sealed_ = std::make_unique<Sealed>(std::move(layer), out_.pool());
  (void)Open(received, nullptr, 0);
}

// One receive for a batch of records: at most what fits, so that little has to be kept.
Socket::ReadResult Socket::ReadSealed(char* into, size_t size) {
  constexpr size_t kOneRecord = 16 * 1024 + 512;
  if (sealed_->holds_more) {
    return Open({}, into, size);
  }
  const std::span<char> scratch = loop_.wire_scratch();
  const size_t most = std::min(scratch.size(), std::max(size, kOneRecord));
  const ssize_t n = Receive(fd_, scratch.data(), most);
  if (n > 0) {
    NoteRead(static_cast<size_t>(n) == most);
    return Open({scratch.data(), static_cast<size_t>(n)}, into, size);
  }
  const ReadResult nothing = NothingRead(n);
  sealed_->truncated = nothing.state == ReadState::kEof;
  return nothing;
}

Socket::ReadResult Socket::Open(std::string_view wire, char* into, size_t size) {
  const SocketLayer::Opened opened = sealed_->layer->Open(wire, into, size, sealed_->wire);
  sealed_->holds_more = opened.state == SocketLayer::State::kMore;
  if (!sealed_->wire.empty() || !out_.empty()) {
    loop_.QueueFlush(*this);
  }
  switch (opened.state) {
    case SocketLayer::State::kHungry:
      break;
    case SocketLayer::State::kMore:
      readable_ = true;
      break;
    case SocketLayer::State::kEnd:
      readable_ = false;
      peer_closed_ = true;
      return {opened.bytes, ReadState::kEof};
    case SocketLayer::State::kFailed:
      SendWire();  // Its last word.
      error_ = EPROTO;
      readable_ = false;
      return {opened.bytes, ReadState::kError};
  }
  return {opened.bytes, readable_ ? ReadState::kMore : ReadState::kDrained};
}

// Seals no more than what the kernel is likely to take: what it refuses is kept sealed.
void Socket::SendSealed(std::string_view more) {
  SendWire();
  while (sealed_->wire.empty() && writable_ && error_ == 0 && !shaking_hands() &&
         !(out_.empty() && more.empty())) {
    const std::string_view piece = (out_.empty() ? more : out_.view()).substr(0, kSealAtOnce);
    has_sent_ = true;
    if (!sealed_->layer->Seal(piece, sealed_->wire)) {
      FailLater(EPROTO);
      return;
    }
    if (out_.empty()) {
      more.remove_prefix(piece.size());
    } else {
      out_.Consume(piece.size());
    }
    SendWire();
  }
  if (error_ == 0) {
    out_.Append(more);
  }
}

void Socket::SendWire() {
  Buffer& wire = sealed_->wire;
  while (!wire.empty() && writable_ && error_ == 0) {
    const ssize_t sent = SendBytes(fd_, wire.view(), MSG_NOSIGNAL);
    if (sent >= 0) {
      has_sent_ = true;
      writable_ = static_cast<size_t>(sent) == wire.size();
      wire.Consume(static_cast<size_t>(sent));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      writable_ = false;
    } else if (errno != EINTR) {
      FailLater(errno);
    }
  }
}

void Socket::FinishLayer() {
  if (!std::exchange(sealed_->finished, true)) {
    sealed_->layer->Finish(sealed_->wire);
  }
}

}  // namespace gatehouse::event

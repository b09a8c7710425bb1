// SPDX-License-Identifier: Apache-2.0
#include "source/proxy/downstream_connection.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "source/base/log.h"
#include "source/proxy/worker_parts.h"

namespace gatehouse::proxy {
namespace {

// Responses handed over and not yet taken by the client: past this, its next requests wait.
constexpr size_t kMaxPendingOutput = 64 * 1024;
Error ClientGone(std::string message) {
  return {ErrorCode::kClientGone, ErrorSource::kDownstream, std::move(message)};
}

}  // namespace

void DownstreamConnection::Count(ListenerMetric metric, int64_t amount) {
  worker_.metrics.Add(terms_->metrics[metric], amount);
}

DownstreamConnection::DownstreamConnection(Worker::Parts& worker, int fd,
                                           const event::SocketAddress& peer,
                                           std::shared_ptr<const ListenerPlan> terms)
    : worker_(worker),
      terms_(std::move(terms)),
      socket_(worker.loop, worker.buffers, *this),
      input_(worker.buffers),
      proxy_header_due_(terms_->settings->proxy_protocol),
      tls_due_(terms_->tls != nullptr),
      idle_since_(worker.loop.now()),
      head_since_(idle_since_) {
  BecomePeer(peer.ip(), peer.port());
  if (peer.family() == AF_UNIX) {
    peer_text_ = "unix";
  }
  socket_.Adopt(fd);
  if (!tls_due_ && !terms_->settings->http2) {
    UseCodec(false);
  }
  Count(ListenerMetric::kConnectionsAccepted);
  Count(ListenerMetric::kConnectionsActive);
  // A client that says nothing at all is held to the head's timeout.
  worker_.loop.deadlines().ArmAfter(*this, terms_->settings->request_headers_timeout);
  head_watched_ = true;
}

DownstreamConnection::~DownstreamConnection() {
  CountSent();
  Count(ListenerMetric::kConnectionsActive, -1);
  terms_->connections->Release();
  if (worker_.context.connections != nullptr) {
    worker_.context.connections->Release();
  }
  if (kept_ != nullptr) {
    worker_.Unpin(*kept_);
  }
}

void DownstreamConnection::OnSocketEvent() {
  if (state_ == State::kClosed) {
    return;
  }
  if (socket_.error() != 0) {
    Abort(ClientGone(std::strerror(socket_.error())));
  } else if (state_ == State::kLingering) {
    DiscardInput();
  } else if (codec_ != nullptr && codec_->input_room() == 0 && socket_.LookForReset()) {
    // Nobody reads while an answer is awaited: the endpoint would work for a client that has gone.
    Abort(ClientGone(std::strerror(socket_.error())));
  } else {
    Pump();
  }
}

bool DownstreamConnection::CanRead() const {
  // HTTP/2 must be heard while it sends: its codec says when it has too much to say.
  return state_ == State::kOpen && (http2_ || socket_.pending() < kMaxPendingOutput);
}

void DownstreamConnection::Pump() {
  if (!CanRead() || ((proxy_header_due_ || codec_ == nullptr) && !SetUp())) {
    return;
  }
  const upstream::ReadOutcome outcome = input_.Pump(worker_.io, socket_, *codec_);
  const bool heard = CountBytes();
  if (state_ != State::kOpen) {
    return;
  }
  switch (outcome) {
    case upstream::ReadOutcome::kDrained:
      break;
    case upstream::ReadOutcome::kMore:
      worker_.loop.Queue(*this);
      break;
    case upstream::ReadOutcome::kEof:
      eof_ = true;
      codec_->OnEof();
      return;
    case upstream::ReadOutcome::kError:
      Abort(ClientGone(std::strerror(socket_.error())));
      return;
  }
  WatchHead(heard);
}

bool DownstreamConnection::CountBytes() {
  const uint32_t bytes = input_.TakeByteCount();
  Count(ListenerMetric::kReceivedBytes, bytes);
  return bytes > 0;
}

void DownstreamConnection::QueueSocketEvent() { worker_.loop.Queue(*this); }

void DownstreamConnection::OnReady() {
  if (socket_.error() != 0) {
    OnSocketEvent();
  } else if (state_ == State::kOpen) {
    Pump();
  } else if (state_ == State::kLingering) {
    DiscardInput();
  }
}

void DownstreamConnection::OnSocketDrained() {
  CountSent();
  if (state_ == State::kLingering) {
    worker_.loop.deadlines().ArmAfter(*this, kLinger);  // From the last byte on.
  }
  if (state_ != State::kOpen || codec_ == nullptr) {
    return;
  }
  codec_->OnSinkDrained();
  // What was held back for the sake of the output.
  if (state_ == State::kOpen && (input_.holds_input() || socket_.readable())) {
    worker_.loop.Queue(*this);
  }
}

// ---- The codec's side ----

void DownstreamConnection::CountSent() {
  Count(ListenerMetric::kSentBytes, static_cast<int64_t>(std::exchange(sent_bytes_, 0)));
}

uint32_t DownstreamConnection::MarkOutput() {
  socket_.ForgetSent();
  return static_cast<uint32_t>(socket_.pending());
}

bool DownstreamConnection::CutBack(uint32_t waiting) {
  if (socket_.error() != 0 || socket_.has_sent() || socket_.pending() < waiting) {
    return false;
  }
  sent_bytes_ -= static_cast<uint32_t>(socket_.pending()) - waiting;
  socket_.CutPending(waiting);
  return true;
}

http::RequestEvents& DownstreamConnection::OnStream(http::ResponseSender& sender) {
  ++requests_;
  head_watched_ = false;
  const uint64_t most = terms_->settings->max_requests_per_connection;
  if (draining_ || (most > 0 && requests_ >= most)) {
    sender.CloseAfterResponse();
  }
  PinnedSnapshot& pinned = kept_ == nullptr ? *worker_.current : *kept_;
  Stream& stream = worker_.NewStream();
  stream.Begin(*this, sender, pinned, *pinned.Plan(terms_->id));
  stream.previous = nullptr;
  stream.next = streams_;
  if (streams_ != nullptr) {
    streams_->previous = &stream;
  }
  streams_ = &stream;
  if (http2_ && !ticking_) {
    ArmHttp2();
  }
  return stream;
}

void DownstreamConnection::OnStreamEnded(Stream& stream) {
  (stream.previous == nullptr ? streams_ : stream.previous->next) = stream.next;
  if (stream.next != nullptr) {
    stream.next->previous = stream.previous;
  }
  stream.next = stream.previous = nullptr;
}

Arena& DownstreamConnection::StreamArena(http::RequestEvents& stream) {
  return static_cast<Stream&>(stream).arena();
}

void DownstreamConnection::OnStreamDone(http::RequestEvents& stream) {
  static_cast<Stream&>(stream).End(true);
  idle_since_ = worker_.loop.now();
  if (http2_) {
    return;  // The next look at it finds out whether that was the last one.
  }
  head_watched_ = false;
  if (!draining_ || !armed()) {
    worker_.loop.deadlines().ArmAfter(*this, terms_->settings->idle_timeout);
  }
}

void DownstreamConnection::OnInputWanted() {
  if (input_.holds_input() || socket_.readable()) {
    worker_.loop.Queue(*this);
  }
}

void DownstreamConnection::OnPeerFault(http::PeerFault fault, std::string_view what) {
  Count(fault == http::PeerFault::kAbuse ? ListenerMetric::kHttp2Abuse
                                         : ListenerMetric::kMalformed);
  if (log::Enabled(log::Level::kDebug)) {
    log::Debug("a client's connection is closed for what it did",
               {{"listener", terms_->settings->name}, {"peer", peer_text_}, {"reason", what}});
  }
}

void DownstreamConnection::WantFlush() { worker_.loop.QueueTurnEnd(*this); }

void DownstreamConnection::OnTurnEnd() {
  if (state_ == State::kOpen && codec_ != nullptr) {
    codec_->OnFlush();
  }
}

void DownstreamConnection::OnCloseWanted(bool abrupt) {
  if (state_ != State::kOpen) {
    return;
  }
  if (abrupt) {
    Close(true);
    return;
  }
  state_ = State::kLingering;
  Linger();
}

// Closing while the client still sends would reset the connection and lose the answer: FIN first,
// then read and forget until it closes too, within bounds.
void DownstreamConnection::Linger() {
  input_.Discard();
  socket_.ShutdownWrite();
  worker_.loop.deadlines().ArmAfter(*this, kLinger);
  worker_.loop.Queue(*this);
}

void DownstreamConnection::DiscardInput() {
  constexpr int kReads = 4;
  for (int i = 0; i < kReads && socket_.readable(); ++i) {
    const auto got = socket_.Read(worker_.io.scratch.data(), worker_.io.scratch.size());
    if (got.state == event::Socket::ReadState::kEof ||
        got.state == event::Socket::ReadState::kError) {
      eof_ = true;
      break;
    }
  }
  if (eof_ && socket_.pending() == 0) {
    Close(false);
  } else if (socket_.readable()) {
    worker_.loop.Queue(*this);
  }
}

// ---- Its end ----

void DownstreamConnection::Drain() {
  draining_ = true;
  if (state_ != State::kOpen) {
    return;
  }
  // An idle client of HTTP/1 can't be told.
  if (busy() || (codec_ != nullptr && http2_)) {
    codec_->Drain();
  }
  for (Stream* stream = streams_; stream != nullptr;) {
    Stream* const next = stream->next;
    stream->DrainTunnel();
    stream = next;
  }
  if (state_ != State::kOpen) {
    return;
  }
  if (codec_ != nullptr && http2_) {
    idle_since_ = worker_.loop.now();
    ArmHttp2();
    return;
  }
  // Who has begun a handshake means to come with a request.
  worker_.loop.deadlines().ArmAfter(*this, socket_.shaking_hands() ? kLinger : kDrainGrace);
}

void DownstreamConnection::KeepSnapshot(PinnedSnapshot& last) {
  if (kept_ == nullptr) {
    kept_ = &last;
    ++last.streams;
  }
}

void DownstreamConnection::Abort(const Error& error) {
  if (state_ != State::kClosed) {
    if (codec_ != nullptr) {
      codec_->OnTransportLost(error);
    }
    Close(true);
  }
}

void DownstreamConnection::Close(bool reset) {
  if (state_ == State::kClosed) {
    return;
  }
  state_ = State::kClosed;
  Disarm();
  socket_.Close(reset);
  if (codec_ != nullptr) {
    codec_->OnTransportLost(ClientGone("the connection was closed"));
  }
  while (streams_ != nullptr) {
    streams_->End(false);  // The codec had refused it already and says no more.
  }
  worker_.RemoveConnection(*this);
}

// ---- What filters remember ----

pipeline::Verdict DownstreamConnection::Recall(const void* definition, uint64_t generation) const {
  if (remembered_ != nullptr) {
    for (const Remembered& one : *remembered_) {
      if (one.definition == definition && one.generation == generation) {
        return one.verdict;
      }
    }
  }
  return pipeline::Verdict::kUnknown;
}

void DownstreamConnection::Remember(const void* definition, uint64_t generation,
                                    pipeline::Verdict verdict) {
  if (remembered_ == nullptr) {
    remembered_ = std::make_unique<std::array<Remembered, kRemembered>>();
  }
  for (Remembered& one : *remembered_) {
    if (one.definition == definition) {
      one = {definition, generation, verdict};
      return;
    }
  }
  std::rotate(remembered_->begin(), remembered_->end() - 1, remembered_->end());
  remembered_->front() = {definition, generation, verdict};
}

}  // namespace gatehouse::proxy

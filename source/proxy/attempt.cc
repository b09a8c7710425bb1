// SPDX-License-Identifier: Apache-2.0
#include "source/proxy/attempt.h"

#include <span>
#include <utility>

#include "source/proxy/error_response.h"

namespace gatehouse::proxy {

void Attempt::Begin(upstream::ClusterPool& pool, const upstream::LabelSet& labels,
                    const http::RequestHead& head, bool end) {
  pool_ = &pool;
  labels_ = &labels;
  head_ = &head;
  endpoint_.reset();
  connection_ = nullptr;
  sender_ = nullptr;
  trailers_ = nullptr;
  tried_count_ = 0;
  attempts_ = 0;
  unprocessed_ = 0;
  head_end_ = upload_end_ = request_ended_ = end;
  response_ended_ = repeated_ = content_sent_ = content_kept_ = asked_ = false;
  TryNext(nullptr);
}

void Attempt::BeginAgain(upstream::ClusterPool& pool, const upstream::LabelSet& labels) {
  Leave();
  pool_ = &pool;
  labels_ = &labels;
  endpoint_.reset();
  tried_count_ = 0;
  response_ended_ = repeated_ = asked_ = false;
  TryNext(nullptr);
}

void Attempt::TryNext(const Error* failed) {
  const std::span<const uint32_t> tried(tried_.data(), tried_count_);
  std::shared_ptr<const upstream::Endpoint> next =
      tried_count_ < kMaxTried ? pool_->Pick(*labels_, tried) : nullptr;
  if (next == nullptr) {
    Fail(failed != nullptr ? *failed : NoEndpoint());
    return;
  }
  endpoint_ = std::move(next);  // The last one stays: the log names it.
  tried_[tried_count_++] = endpoint_->slot;
  Ask({});
}

Error Attempt::NoEndpoint() const {
  pool_->CountNoEndpoint();
  return {ErrorCode::kNoEndpoint, ErrorSource::kUpstream,
          "no endpoint of " + pool_->cluster().name() +
              (labels_->empty() ? " is known" : " carries the labels")};
}

void Attempt::Ask(const upstream::Wanted& wanted) {
  ++attempts_;
  upstream::Wanted all = wanted;
  all.upgrade = !head_->upgrade.empty();
  upstream::Connection* connection = pool_->Acquire(endpoint_, *this, all);
  queued_ = Waiter::queued();
  if (connection == nullptr) {
    return;
  }
  if (attempts_ > 1) {
    owner_.OnUpstreamConnected();
  }
  SendOn(*connection);
}

void Attempt::OnConnection(upstream::Connection& connection) {
  owner_.OnUpstreamConnected();
  SendOn(connection);
}

void Attempt::SendOn(upstream::Connection& connection) {
  connection_ = &connection;
  asked_ = true;
  pool_->AddLoad(*endpoint_, 1);
  sender_ = &connection.Start(*this, arena_);
  heard_ = connection.heard();
  reused_ = connection.requests() > 1;
  sender_->SendHeaders(*head_, head_end_);
  if (sender_ != nullptr && (!upload_.empty() || (upload_end_ && !head_end_ && !trailers_))) {
    Buffer upload(upload_.pool());
    std::swap(upload, upload_);
    const bool end = upload_end_;
    Keep(upload.view(), end);
    sender_->SendData(upload.view(), end);
  }
  if (sender_ != nullptr && trailers_ != nullptr) {
    sender_->SendTrailers(*trailers_);
  }
}

// An endpoint that speaks HTTP/2 may yet say that it did not look at the request: then the content
// is sent again, if it is not too much to be kept until an answer comes.
void Attempt::Keep(std::string_view data, bool end) {
  content_kept_ = (!content_sent_ || content_kept_) && connection_->http2() &&
                  !sender_->response_started() && upload_.size() + data.size() <= kMaxKept;
  content_sent_ = true;
  if (content_kept_) {
    upload_.Append(data);
    upload_end_ = end;
  } else {
    upload_.Release();
  }
}

void Attempt::OnNoConnection(const Error& error) {
  if (PolicyFor(error.code).retry_elsewhere) {
    TryNext(&error);
  } else {
    Fail(error);
  }
}

void Attempt::SendData(std::string_view data, bool end) {
  request_ended_ = request_ended_ || end;
  if (sender_ != nullptr) {
    if (!content_sent_ || content_kept_) {
      Keep(data, end);
    }
    sender_->SendData(data, end);
    LeaveIfWhole();
  } else if (response_ended_) {
    owner_.OnUpstreamCredit();  // Nobody wants it any more.
  } else {
    upload_.Append(data);
    upload_end_ = end;
  }
}

void Attempt::SendTrailers(const http::Headers& trailers) {
  request_ended_ = true;
  trailers_ = &trailers;
  if (sender_ != nullptr) {
    sender_->SendTrailers(trailers);
    LeaveIfWhole();
  }
}

// The rest of a request whose answer came early: with it a connection of HTTP/1 is done. One of
// HTTP/2 tells when the stream is over.
void Attempt::LeaveIfWhole() {
  if (request_ended_ && response_ended_ && connection_ != nullptr && !connection_->http2()) {
    LeaveConnection();
  }
}

void Attempt::Consume(size_t bytes) {
  if (sender_ != nullptr) {
    sender_->Consume(bytes);
  }
}

void Attempt::SpliceTo(event::PipeTarget& target) {
  if (connection_ != nullptr && connection_->raw_input() >= kMinSplice) {
    connection_->StartSplice(target);
  }
}

void Attempt::OnInformational(http::ResponseHead& head) { owner_.OnUpstreamInformational(head); }

void Attempt::OnHeaders(http::ResponseHead& head, bool end) {
  if (std::exchange(content_kept_, false)) {
    upload_.Release();
  }
  if (end) {
    ResponseEnded();
  }
  owner_.OnUpstreamHeaders(head, end);
}

void Attempt::OnData(std::string_view data, bool end) {
  if (end) {
    ResponseEnded();
  }
  owner_.OnUpstreamData(data, end);
}

void Attempt::OnTrailers(http::Headers& trailers) {
  ResponseEnded();
  owner_.OnUpstreamTrailers(trailers);
}

void Attempt::OnCredit() { owner_.OnUpstreamCredit(); }

// With both messages whole the connection goes back to the pool by itself; the codec has no further
// word for us.
void Attempt::ResponseEnded() {
  response_ended_ = true;
  if (request_ended_) {
    LeaveConnection();
  }
}

void Attempt::LeaveConnection() {
  if (connection_ != nullptr) {
    pool_->AddLoad(*endpoint_, -1);
    connection_ = nullptr;
    sender_ = nullptr;
  }
}

// A pooled connection may have been closed by the endpoint just as it was used. The request is sent
// once more, on a new connection, where that can't be told from sending it once (RFC 9110 section
// 9.2.2): it is idempotent, had no content, and no byte of an answer had come. An endpoint that
// ends this stream alone has seen the request.
bool Attempt::CanRepeat() const {
  return !repeated_ && connection_ != nullptr && connection_->transport_ended() && reused_ &&
         !sender_->response_started() && head_end_ && http::IsIdempotent(head_->method);
}

// Another that said nothing of the request's fate may have seen it; one that says it did not look
// at it (RFC 9113 sections 6.8 and 8.7) may be asked again, or another, whatever the method is.
void Attempt::OnReset(const Error& error) {
  const upstream::Connection* const left = connection_;
  const bool unprocessed = error.code == ErrorCode::kUpstreamUnprocessed && CanSendAgain();
  const bool repeat = error.code == ErrorCode::kUpstreamReset && CanRepeat();
  LeaveConnection();
  if (response_ended_) {
    return;
  }
  if (unprocessed) {
    pool_->CountUnprocessed();
    content_sent_ = content_kept_ = false;
    if (unprocessed_++ < kMaxUnprocessed) {
      Ask({.except = left});
    } else {
      TryNext(&error);
    }
    return;
  }
  if (repeat) {
    repeated_ = true;
    pool_->CountRepeat();
    Ask({.fresh = true});
    return;
  }
  pool_->CountReset();
  Fail(error);
}

void Attempt::CountTimeout() {
  if (pool_ != nullptr) {
    pool_->CountResponseTimeout();
  }
  if (connection_ != nullptr && connection_->heard() == heard_) {
    connection_->Suspect();
  }
}

// What has come of the content is kept: it may be wanted elsewhere.
void Attempt::Fail(const Error& error) {
  Leave();
  owner_.OnUpstreamFailed(error);
}

void Attempt::Cancel() {
  Leave();
  upload_.Release();
}

void Attempt::Leave() {
  if (pool_ == nullptr) {
    return;
  }
  upstream::ClusterPool& pool = *std::exchange(pool_, nullptr);
  if (connection_ == nullptr) {
    pool.Cancel(*this);
  } else {
    pool.AddLoad(*endpoint_, -1);
    connection_ = nullptr;
    std::exchange(sender_, nullptr)->Reset(ErrorCode::kClientGone);
  }
  pool.EndRequest();
}

}  // namespace gatehouse::proxy

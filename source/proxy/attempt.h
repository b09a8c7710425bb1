// SPDX-License-Identifier: Apache-2.0
// The upstream side of a stream: an endpoint, a connection to it, and the request on that
// connection; then, where it is safe, another one.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "source/base/arena.h"
#include "source/base/buffer.h"
#include "source/http/codec.h"
#include "source/upstream/pool/cluster_pool.h"

namespace gatehouse::proxy {

// Worker thread only. Reused from stream to stream.
class Attempt final : private upstream::Waiter, private http::ResponseEvents {
 public:
  // The stream. No call comes from inside Begin() but OnUpstreamFailed(), and before that perhaps
  // OnUpstreamConnected().
  class Owner {
   public:
    // There was no connection at first, or it was of no use: now there is one.
    virtual void OnUpstreamConnected() = 0;
    virtual void OnUpstreamInformational(http::ResponseHead& head) = 0;
    virtual void OnUpstreamHeaders(http::ResponseHead& head, bool end) = 0;
    virtual void OnUpstreamData(std::string_view data, bool end) = 0;
    virtual void OnUpstreamTrailers(http::Headers& trailers) = 0;
    // Nothing more will come of it.
    virtual void OnUpstreamFailed(const Error& error) = 0;
    // What was sent has left.
    virtual void OnUpstreamCredit() = 0;

   protected:
    ~Owner() = default;
  };

  Attempt(BufferPool& buffers, Arena& arena, Owner& owner)
      : arena_(arena), owner_(owner), upload_(buffers) {}

  // Sends `head`; `end`: no content follows. `labels` must outlive the attempt. Counts as a request
  // of `pool`'s until Cancel() or the end.
  void Begin(upstream::ClusterPool& pool, const upstream::LabelSet& labels,
             const http::RequestHead& head, bool end);
  // Whether the same request can go to another cluster: none of its content has been handed to a
  // connection.
  bool CanBeginAgain() const { return !content_sent_; }
  // As Begin(), with what has come of the content since then. REQUIRES: CanBeginAgain(), and
  // Begin() was called.
  void BeginAgain(upstream::ClusterPool& pool, const upstream::LabelSet& labels);
  void SendData(std::string_view data, bool end);
  void SendTrailers(const http::Headers& trailers);
  // As StreamSender::Consume().
  void Consume(size_t bytes);
  // Lets what is left of the response's content go to `target` past codecs and stream, where it is
  // enough to be worth it.
  void SpliceTo(event::PipeTarget& target);
  // Whether the target has yet to take what it was given; when it has, ContinueSplice().
  bool splice_blocked() const { return connection_ != nullptr && connection_->splice_blocked(); }
  void ContinueSplice() { connection_->ContinueSplice(); }
  // Ends it, if it has not ended; the owner is told nothing more.
  void Cancel();
  // The response did not come in time: counted for the cluster.
  void CountTimeout();

  // Drops what refers to the stream that was. REQUIRES: cancelled or ended.
  void Forget() {
    endpoint_.reset();
    attempts_ = 0;
    asked_ = false;
  }

  const upstream::Endpoint* endpoint() const { return endpoint_.get(); }
  uint32_t attempts() const { return attempts_; }
  // Whether an endpoint has been sent the request, or a part of it.
  bool asked() const { return asked_; }
  // Whether it waits for a connection that the cluster's limits allow, or has waited for the one
  // that it has.
  bool queued() const { return queued_; }

 private:
  static constexpr size_t kMaxTried = 3;
  static constexpr uint64_t kMinSplice = 64 * 1024;
  // How often an endpoint may say that it did not look at the request, before others are asked.
  static constexpr uint8_t kMaxUnprocessed = 2;
  // Content that is kept for the case that it says so.
  static constexpr size_t kMaxKept = 16 * 1024;

  void OnConnection(upstream::Connection& connection) override;
  void OnNoConnection(const Error& error) override;
  void OnInformational(http::ResponseHead& head) override;
  void OnHeaders(http::ResponseHead& head, bool end) override;
  void OnData(std::string_view data, bool end) override;
  void OnTrailers(http::Headers& trailers) override;
  void OnReset(const Error& error) override;
  void OnCredit() override;

  // `failed`: why the last endpoint could not be asked; null before the first.
  void TryNext(const Error* failed);
  void Leave();
  Error NoEndpoint() const;
  void Ask(const upstream::Wanted& wanted);
  void SendOn(upstream::Connection& connection);
  bool CanRepeat() const;
  bool CanSendAgain() const { return !content_sent_ || content_kept_; }
  void Keep(std::string_view data, bool end);
  void LeaveConnection();
  void LeaveIfWhole();
  void Fail(const Error& error);
  void ResponseEnded();

  Arena& arena_;
  Owner& owner_;
  upstream::ClusterPool* pool_ = nullptr;
  const upstream::LabelSet* labels_ = nullptr;
  const http::RequestHead* head_ = nullptr;
  std::shared_ptr<const upstream::Endpoint> endpoint_;
  upstream::Connection* connection_ = nullptr;
  http::RequestSender* sender_ = nullptr;
  const http::Headers* trailers_ = nullptr;
  // Content that came before there was a connection; with content_kept_, all that has been sent.
  Buffer upload_;
  std::array<uint32_t, kMaxTried> tried_{};
  uint8_t tried_count_ = 0;
  uint8_t unprocessed_ = 0;
  uint32_t attempts_ = 0;
  uint32_t heard_ = 0;  // Connection::heard(), when the request was sent.
  bool asked_ = false;
  bool reused_ = false;  // The connection had served others before.
  bool queued_ = false;
  bool head_end_ = false;
  bool upload_end_ = false;
  bool request_ended_ = false;
  bool response_ended_ = false;
  bool repeated_ = false;
  bool content_sent_ = false;
  bool content_kept_ = false;  // What was sent of it is in upload_.
};

}  // namespace gatehouse::proxy

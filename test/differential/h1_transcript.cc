// SPDX-License-Identifier: Apache-2.0
#include "test/differential/h1_transcript.h"

#include <memory>

#include "source/base/check.h"
#include "source/http/h1/client_codec.h"
#include "source/http/h1/server_codec.h"
#include "test/http/h1/string_sink.h"

namespace gatehouse::http {
namespace {

std::vector<WrittenField> Write(const Headers& headers) {
  std::vector<WrittenField> out;
  headers.ForEach([&](const Field& field) {
    out.push_back({std::string(field.name), std::string(field.value)});
  });
  return out;
}

// Feeds a codec as a connection does: what it leaves comes again with what follows.
class Feed {
 public:
  Feed(std::string_view bytes, const std::vector<size_t>& cuts) : bytes_(bytes), cuts_(cuts) {}

  // The next piece arrives; false when there is none.
  bool Arrive() {
    if (next_ > cuts_.size()) {
      return false;
    }
    arrived_ = next_ == cuts_.size() ? bytes_.size() : cuts_[next_];
    ++next_;
    return true;
  }
  // What has arrived and was not taken.
  template <typename Codec>
  void Offer(Codec& codec) {
    if (taken_ == arrived_) {
      return;
    }
    // A copy of its own, so that a sanitizer sees reads past its end.
    const std::string_view left = bytes_.substr(taken_, arrived_ - taken_);
    const auto copy = std::make_unique<char[]>(left.size());
    left.copy(copy.get(), left.size());
    const size_t used = codec.OnInput({copy.get(), left.size()});
    GATEHOUSE_CHECK(used <= left.size(), "more was used than there is");
    taken_ += used;
  }
  size_t taken() const { return taken_; }
  bool all_taken() const { return taken_ == bytes_.size(); }

 private:
  const std::string_view bytes_;
  const std::vector<size_t>& cuts_;
  size_t next_ = 0;
  size_t arrived_ = 0;
  size_t taken_ = 0;
};

class RequestReader final : private ServerCodec::Events, private RequestEvents {
 public:
  Transcript Read(std::string_view bytes, const std::vector<size_t>& cuts) {
    Feed feed(bytes, cuts);
    while (!closed_ && feed.Arrive()) {
      feed.Offer(*codec_);
      // A whole request stops the codec until it is answered: what it has taken is the request.
      while (whole_ && !closed_) {
        out_.messages.back().end = feed.taken();
        Answer();
        if (!closed_) {
          feed.Offer(*codec_);
        }
      }
    }
    if (out_.outcome.empty()) {
      out_.outcome = closed_ ? "closed" : began_ || !feed.all_taken() ? "incomplete" : "clean";
    }
    if (began_) {
      out_.messages.pop_back();
    }
    return std::move(out_);
  }

 private:
  RequestEvents& OnStream(ResponseSender& sender) override {
    sender_ = &sender;
    return *this;
  }
  Arena& StreamArena(RequestEvents&) override { return arena_; }
  void OnStreamDone(RequestEvents&) override {}
  void OnInputWanted() override {}
  void OnCloseWanted(bool) override { closed_ = true; }

  void OnHeaders(RequestHead& head, bool end) override {
    began_ = true;
    WrittenMessage& message = out_.messages.emplace_back();
    message.method = head.method_name;
    message.target = head.target;
    message.authority = head.authority;
    message.minor_version = head.version == Version::kHttp10 ? 0 : 1;
    message.fields = Write(head.headers);
    Ended(end);
  }
  void OnRefused(RequestHead&, const Error& error) override { Refused(error); }
  void OnData(std::string_view data, bool end) override {
    out_.messages.back().body += data;
    sender_->Consume(data.size());
    Ended(end);
  }
  void OnTrailers(Headers& trailers) override {
    out_.messages.back().trailers = Write(trailers);
    Ended(true);
  }
  void OnReset(const Error& error) override { Refused(error); }
  void OnCredit() override {}

  void Ended(bool end) {
    whole_ = end;
    began_ = !end;
  }
  void Refused(const Error& error) {
    out_.outcome = "refused";
    out_.why = error.message;
    closed_ = true;
  }
  void Answer() {
    whole_ = false;
    ResponseHead head(arena_);
    head.framing = Framing::kLength;
    sender_->SendHeaders(head, true);
  }

  ArenaPool pool_;
  Arena arena_{pool_};
  StringSink sink_;
  const CodecLimits limits_;
  std::unique_ptr<ServerCodec> codec_ = NewH1ServerCodec(*this, sink_, limits_);
  ResponseSender* sender_ = nullptr;
  Transcript out_;
  bool began_ = false;  // The last message, and is not whole.
  bool whole_ = false;  // And not answered.
  bool closed_ = false;
};

class ResponseReader final : private ClientCodec::Events, private ResponseEvents {
 public:
  explicit ResponseReader(Method method) {
    RequestHead head(arena_);
    head.method = method;
    head.method_name = method == Method::kHead ? "HEAD" : "GET";
    head.target = "/";
    head.headers.Add("host", "a");
    sender_ = &codec_->Start(*this, arena_);
    sender_->SendHeaders(head, true);
  }

  Transcript Read(std::string_view bytes, const std::vector<size_t>& cuts) {
    Feed feed(bytes, cuts);
    while (!done_ && !closed_ && feed.Arrive()) {
      feed.Offer(*codec_);
    }
    if (!done_ && !closed_) {
      codec_->OnEof();
    }
    if (out_.outcome.empty()) {
      out_.outcome = done_ ? "clean" : "incomplete";
    }
    if (done_) {
      // Whatever comes behind it, now or later, answers nothing.
      message_.reusable = message_.reusable && feed.all_taken();
      out_.messages.push_back(message_);
    }
    return std::move(out_);
  }

 private:
  void OnStreamDone(bool reusable) override {
    done_ = true;
    message_.reusable = reusable;
  }
  void OnInputWanted() override {}
  void OnCloseWanted() override { closed_ = true; }

  void OnInformational(ResponseHead& head) override {
    message_.informational.push_back(head.status);
  }
  void OnHeaders(ResponseHead& head, bool) override {
    message_.status = head.status;
    message_.minor_version = head.minor_version;
    message_.fields = Write(head.headers);
  }
  void OnData(std::string_view data, bool) override {
    message_.body += data;
    sender_->Consume(data.size());
  }
  void OnTrailers(Headers& trailers) override { message_.trailers = Write(trailers); }
  void OnReset(const Error& error) override {
    const bool malformed = error.code == ErrorCode::kMalformedResponse;
    out_.outcome = malformed ? "refused" : "incomplete";
    out_.why = malformed ? error.message : "";
    closed_ = true;
  }
  void OnCredit() override {}

  ArenaPool pool_;
  Arena arena_{pool_};
  StringSink sink_;
  std::unique_ptr<ClientCodec> codec_ = NewH1ClientCodec(*this, sink_, CodecLimits());
  RequestSender* sender_ = nullptr;
  WrittenMessage message_;
  Transcript out_;
  bool done_ = false;
  bool closed_ = false;
};

}  // namespace

Transcript ReadRequests(std::string_view bytes, const std::vector<size_t>& cuts) {
  return RequestReader().Read(bytes, cuts);
}

Transcript ReadResponse(std::string_view bytes, const std::vector<size_t>& cuts, Method method) {
  return ResponseReader(method).Read(bytes, cuts);
}

}  // namespace gatehouse::http

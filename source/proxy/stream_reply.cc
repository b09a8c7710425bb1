// SPDX-License-Identifier: Apache-2.0
// Streams answered by the gateway itself, and the calls that filters make on theirs.
#include <algorithm>
#include <string>
#include <utility>

#include "source/base/text.h"
#include "source/proxy/downstream_connection.h"
#include "source/proxy/error_response.h"
#include "source/proxy/stream.h"
#include "source/proxy/worker_parts.h"

namespace gatehouse::proxy {

pipeline::Action Stream::Reply(uint16_t status, std::string_view body,
                               std::string_view content_type, pipeline::ReplyHeaders headers) {
  if (ended_ || response_sent_ || sender_ == nullptr) {
    return pipeline::Action::kReplied;
  }
  TellAnswerer();
  http::ResponseHead& head = NewResponse(status);
  if (!body.empty()) {
    head.headers.Add("content-type", arena_.Copy(content_type));
  }
  for (const auto& [name, value] : headers) {
    head.headers.Add(arena_.Copy(name), arena_.Copy(value));
  }
  SendLocal(head, arena_.Copy(body));
  return pipeline::Action::kReplied;
}

pipeline::Action Stream::ReplyError(ErrorCode code, std::string_view detail,
                                    pipeline::ReplyHeaders headers) {
  if (ended_) {
    return pipeline::Action::kReplied;
  }
  info_.error = code;
  info_.error_detail = arena_.Copy(detail);
  if (GoesElsewhere(code)) {
    return pipeline::Action::kContinue;
  }
  if (FallBack(code)) {
    return pipeline::Action::kReplied;
  }
  const std::string_view accept =
      head_ == nullptr ? std::string_view() : head_->headers.Value(http::Known::kAccept);
  const ErrorBody error = RenderError(code, accept, request_id(), arena_);
  // Those of the caller, and which kind of thing failed.
  const auto count = static_cast<size_t>(headers.end() - headers.begin());
  const auto fields = arena_.NewArray<pipeline::ReplyHeaders::Field>(count + 1);
  std::copy(headers.begin(), headers.end(), fields.begin());
  fields.back() = {"x-gatehouse-error", ErrorName(code)};
  const std::span<const pipeline::ReplyHeaders::Field> all = fields;
  return Reply(PolicyFor(code).status, error.body, error.content_type, pipeline::ReplyHeaders(all));
}

void Stream::SetRefusal(ErrorCode code, std::string_view detail) {
  info_.error = code;
  info_.error_detail = arena_.Copy(detail);
}

http::ResponseHead& Stream::NewResponse(uint16_t status) {
  http::ResponseHead& head = *arena_.New<http::ResponseHead>(arena_);
  head.status = status;
  head.headers.Add("date", arena_.Copy(worker_.Date()));
  return head;
}

// Whatever was under way for this stream gives way to `body`, which lives as long as the stream.
void Stream::SendLocal(http::ResponseHead& head, std::string_view body) {
  attempt_.Cancel();
  request_pass_.Stop();
  terminal_ = Terminal::kDiscard;
  own_answer_ = worker_.loop.now();
  if (upstream_ended_ == MonotonicTime{} && upstream_started_ != MonotonicTime{}) {
    upstream_ended_ = std::max(own_answer_, upstream_started_);
  }
  head.framing = http::Framing::kLength;
  head.content_length = body.size();
  const bool no_content = head.status == 204 || head.status == 304;
  if (response_started_ || response_pass_.stopped()) {
    // A response filter replied: the filters behind it have seen a head already.
    response_pass_.Stop();
    response_head_ = &head;
    response_started_ = true;
    response_end_ = body.empty() || no_content;
    ResponsePassed();
    if (!ended_ && !response_end_) {
      ResponseDataPassed(body, true);
    }
  } else {
    StartResponse(head, body.empty() || no_content);
    if (!ended_ && !response_end_ && !response_pass_.stopped()) {
      response_pass_.PassData(body, true);
    }
  }
  if (!ended_) {
    ReleaseRequestWindow();
    ArmDeadline();
  }
}

// A filter that is being called, or one that made the message wait and has found its answer since.
void Stream::TellAnswerer() {
  const pipeline::FilterDefinition* by = nullptr;
  if (!std::exchange(aborting_, false)) {
    for (const auto* filter : {response_pass_.calling(), request_pass_.calling(),
                               response_pass_.awaited(), request_pass_.awaited()}) {
      by = by == nullptr ? filter : by;
    }
  }
  info_.answered_by = by == nullptr ? std::string_view() : std::string_view(by->name);
}

void Stream::Resume() {
  if (!ended_) {
    worker_.loop.Queue(*this);
  }
}

void Stream::OnReady() {
  if (ended_) {
    return;
  }
  request_pass_.Resume();
  if (!ended_) {
    response_pass_.Resume();
  }
}

MonotonicTime Stream::now() const { return worker_.loop.now(); }

std::string_view Stream::request_id() {
  if (info_.request_id.empty()) {
    static constexpr char kDigits[] = "0123456789abcdef";
    char* text = static_cast<char*>(arena_.Allocate(16));
    uint64_t random = worker_.Random();
    for (int i = 0; i < 16; ++i, random >>= 4) {
      text[i] = kDigits[random & 0xF];
    }
    info_.request_id = {text, 16};
  }
  return info_.request_id;
}

void Stream::AddVerdict(std::string_view filter, std::string_view verdict) {
  if (chain_ == nullptr || !chain_->reads_verdicts()) {
    return;
  }
  auto* added = arena_.New<observe::FilterVerdict>(observe::FilterVerdict{filter, verdict});
  if (last_verdict_ != nullptr) {
    last_verdict_->next = added;
  } else {
    info_.verdicts = added;
  }
  last_verdict_ = added;
}

void Stream::SetLimit(const observe::LimitState& limit) {
  const auto left = [](const observe::LimitState& state) {
    return static_cast<double>(state.remaining) /
           static_cast<double>(std::max<uint64_t>(state.limit, 1));
  };
  if (info_.limit.filter.empty() || left(limit) < left(info_.limit)) {
    info_.limit = limit;
  }
}

void Stream::Count(observe::MetricId id, int64_t amount) { worker_.metrics.Add(id, amount); }

pipeline::Verdict Stream::Recall(const void* definition, uint64_t generation) const {
  return connection_->Recall(definition, generation);
}

void Stream::Remember(const void* definition, uint64_t generation, pipeline::Verdict verdict) {
  connection_->Remember(definition, generation, verdict);
}

pipeline::Services& Stream::services() { return worker_.services; }

uint32_t Stream::worker() const { return worker_.index; }

std::string_view Stream::RequestHeader(std::string_view name) const {
  const http::Field* field = head_ == nullptr ? nullptr : head_->headers.Find(name);
  return field == nullptr ? std::string_view() : field->value;
}

std::string_view Stream::ResponseHeader(std::string_view name) const {
  const http::Field* field =
      response_head_ == nullptr ? nullptr : response_head_->headers.Find(name);
  return field == nullptr ? std::string_view() : field->value;
}

}  // namespace gatehouse::proxy

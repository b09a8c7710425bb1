// SPDX-License-Identifier: Apache-2.0
#include "source/pipeline/harness_stream.h"

#include "source/base/check.h"
#include "source/base/text.h"

namespace gatehouse::pipeline {
namespace {

using Item = HarnessHalf::Item;

// 2026-03-01T08:15:30.125Z, when HarnessWorld::now begins.
constexpr WallTime kStartOfTime{std::chrono::milliseconds(1772352930125)};

// As proxy/error_response.cc does.
uint16_t StatusOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kMalformedRequest:
    case ErrorCode::kMalformedPath:
      return 400;
    case ErrorCode::kNoCredentials:
    case ErrorCode::kBadCredentials:
      return 401;
    case ErrorCode::kDenied:
    case ErrorCode::kNotPermitted:
      return 403;
    case ErrorCode::kNoRoute:
      return 404;
    case ErrorCode::kRequestTimeout:
      return 408;
    case ErrorCode::kBodyTooLarge:
      return 413;
    case ErrorCode::kRateLimited:
    case ErrorCode::kConcurrencyLimited:
      return 429;
    case ErrorCode::kHeadersTooLarge:
      return 431;
    case ErrorCode::kTlsFailed:
    case ErrorCode::kUpstreamReset:
    case ErrorCode::kMalformedResponse:
      return 502;
    case ErrorCode::kConnectTimeout:
    case ErrorCode::kResponseTimeout:
      return 504;
    case ErrorCode::kInternal:
      return 500;
    default:
      return 503;
  }
}

// Sixteen digits, another for each stream.
std::string IdOf(uint64_t stream) {
  std::string digits = std::to_string(stream);
  return std::string(16 - digits.size(), '0') + digits;
}

std::string_view ValueOf(const http::Headers& headers, std::string_view name) {
  const http::Field* field = headers.Find(name);
  return field == nullptr ? std::string_view() : field->value;
}

void AddAll(const HarnessFields& fields, Arena& arena, http::Headers& headers) {
  for (const auto& [name, value] : fields) {
    headers.Add(arena.Copy(name), arena.Copy(value));
  }
}

}  // namespace

HarnessStream::HarnessStream(HarnessWorld& world,
                             std::shared_ptr<const FilterDefinition> definition)
    : world_(world),
      definition_(std::move(definition)),
      arena_(world.arenas),
      request_(arena_),
      response_(arena_),
      info_(world.facts),
      id_(IdOf(++world.streams)),
      request_half_(NewHalf(true)),
      response_half_(NewHalf(false)) {
  info_.started = world.now;
  info_.start = kStartOfTime + (world.now - MonotonicTime(std::chrono::hours(1)));
  info_.headers = this;
}

HarnessHalf HarnessStream::NewHalf(bool request) {
  return {*this, definition_->phases(), definition_->max_buffer(), request};
}

void HarnessStream::Begin(std::string_view method, std::string_view target,
                          const HarnessFields& fields) {
  FillHead(method, target, fields);
  info_.method = request_.method_name;
  info_.target = request_.target;
  info_.path = request_.path;
  info_.host = request_.host;
  filter_ = definition_->NewFilter(*this);
  request_half_.Begin(*filter_, request_);
  response_half_->Begin(*filter_, response_);
  Push(request_half_, {Item::Kind::kHead, {}, request_.framing == http::Framing::kNone});
}

void HarnessStream::FillHead(std::string_view method, std::string_view target,
                             const HarnessFields& fields) {
  request_.method_name = arena_.Copy(method);
  request_.method = http::ParseMethod(method);
  request_.scheme = info_.scheme;
  request_.authority = "example.com";
  request_.target = arena_.Copy(target);
  const size_t query = request_.target.find('?');
  request_.path = request_.target.substr(0, query);
  if (query != std::string_view::npos) {
    request_.query = request_.target.substr(query + 1);
  }
  AddAll(fields, arena_, request_.headers);
  if (request_.headers.Has(http::Known::kHost)) {
    request_.authority = request_.headers.Value(http::Known::kHost);
  }
  request_.host = request_.authority.substr(0, request_.authority.find(':'));
  if (request_.headers.Has(http::Known::kTransferEncoding)) {
    request_.framing = http::Framing::kChunked;
  } else if (const auto length = ParseUint(request_.headers.Value(http::Known::kContentLength))) {
    request_.framing = http::Framing::kLength;
    request_.content_length = *length;
  }
}

void HarnessStream::BeginResponse(uint16_t status, const HarnessFields& fields) {
  GATEHOUSE_CHECK(!has_response_, "a stream has one response");
  has_response_ = true;
  response_.status = status;
  AddAll(fields, arena_, response_.headers);
  Push(*response_half_, {Item::Kind::kHead, {}, false});
}

void HarnessStream::Push(HarnessHalf& half, Item item) {
  half.Push(std::move(item));
  Turn();
}

http::Headers& HarnessStream::NewTrailers(const HarnessFields& fields) {
  auto* trailers = arena_.New<http::Headers>(arena_);
  AddAll(fields, arena_, *trailers);
  return *trailers;
}

void HarnessStream::Turn() {
  while (resume_ || reply_due_) {
    if (std::exchange(reply_due_, false)) {
      SendReply();
    } else {
      resume_ = false;
      request_half_.Resume();
      response_half_->Resume();
    }
  }
}

void HarnessStream::End(ErrorCode error) {
  info_.status = has_response_ ? response_.status : 0;
  info_.error = error == ErrorCode::kNone ? info_.error : error;
  info_.duration = world_.now - info_.started;
  info_.request_bytes = request_half_.received();
  info_.response_bytes = response_half_->passed().size();
  info_.complete = error == ErrorCode::kNone && has_response_;
  if (definition_->phases().stream_end) {
    filter_->OnStreamEnd(info_, *this);
  }
}

Action HarnessStream::Reply(uint16_t status, std::string_view body, std::string_view content_type,
                            ReplyHeaders headers) {
  HarnessReply reply;
  reply.status = status;
  reply.body = body;
  reply.content_type = content_type;
  reply.error = info_.error;
  reply.detail = info_.error_detail;
  for (const auto& [name, value] : headers) {
    reply.headers.emplace_back(name, value);
  }
  return Answer(std::move(reply));
}

Action HarnessStream::ReplyError(ErrorCode code, std::string_view detail, ReplyHeaders headers) {
  HarnessReply reply;
  reply.status = StatusOf(code);
  reply.body = ErrorName(code);
  reply.content_type = "text/plain";
  reply.error = code;
  reply.detail = detail;
  for (const auto& [name, value] : headers) {
    reply.headers.emplace_back(name, value);
  }
  info_.error = code;
  info_.error_detail = arena_.Copy(detail);
  return Answer(std::move(reply));
}

// Nothing else of the request, or of another response, gets through from now on.
Action HarnessStream::Answer(HarnessReply reply) {
  GATEHOUSE_CHECK(!response_half_->head_passed(), "a response that has begun can't be replaced");
  reply_ = std::move(reply);
  request_half_.Stop();
  response_half_->Stop();
  reply_due_ = true;
  return Action::kReplied;
}

// Replies pass the response phases like any response; one that a response phase made does not.
void HarnessStream::SendReply() {
  const bool again = std::exchange(has_response_, true);
  response_.headers.Clear();
  response_.status = reply_.status;
  response_.headers.Add("content-type", arena_.Copy(reply_.content_type));
  AddAll(reply_.headers, arena_, response_.headers);
  if (!again) {
    response_half_.emplace(NewHalf(false));
    response_half_->Begin(*filter_, response_);
    response_half_->Push({Item::Kind::kHead, {}, false});
    response_half_->Push({Item::Kind::kChunk, reply_.body, true});
  }
}

void HarnessStream::AddVerdict(std::string_view filter, std::string_view verdict) {
  const observe::FilterVerdict** end = &info_.verdicts;
  while (*end != nullptr) {
    end = const_cast<const observe::FilterVerdict**>(&(*end)->next);
  }
  *end = arena_.New<observe::FilterVerdict>(observe::FilterVerdict{filter, verdict});
}

Verdict HarnessStream::Recall(const void* definition, uint64_t generation) const {
  const auto at = world_.verdicts.find({definition, generation});
  return at == world_.verdicts.end() ? Verdict::kUnknown : at->second;
}

std::string_view HarnessStream::RequestHeader(std::string_view name) const {
  return ValueOf(request_.headers, name);
}

std::string_view HarnessStream::ResponseHeader(std::string_view name) const {
  return ValueOf(response_.headers, name);
}

}  // namespace gatehouse::pipeline

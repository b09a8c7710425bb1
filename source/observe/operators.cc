// SPDX-License-Identifier: Apache-2.0
#include "source/observe/operators.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "source/base/text.h"
#include "source/observe/line_buffer.h"

namespace gatehouse::observe {
namespace {

using In = OperatorInput;
using Argument = Operator::Argument;

OperatorValue Text(std::string_view text) {
  return {text.empty() ? OperatorValue::Kind::kMissing : OperatorValue::Kind::kText, text};
}
OperatorValue Text(const In& in, const char* end) {
  return Text(std::string_view(in.room, static_cast<size_t>(end - in.room)));
}
OperatorValue Bare(std::string_view text) { return {OperatorValue::Kind::kBare, text}; }
OperatorValue Bare(const In& in, const char* end) {
  return Bare(std::string_view(in.room, static_cast<size_t>(end - in.room)));
}
OperatorValue Number(const In& in, uint64_t value) { return Bare(in, WriteUint(in.room, value)); }

OperatorValue Path(const In& in) {
  const StreamInfo& info = in.info;
  // Of a request that was refused before its path was normalised: what it asked for.
  return Text(info.path.empty() ? info.target.substr(0, info.target.find('?')) : info.path);
}

OperatorValue UpstreamDuration(const In& in) {
  return in.info.attempts == 0 ? OperatorValue()
                               : Bare(in, WriteMilliseconds(in.room, in.info.upstream_duration));
}

OperatorValue UpstreamStatus(const In& in) {
  return in.info.upstream_status == 0 ? OperatorValue() : Number(in, in.info.upstream_status);
}

OperatorValue ErrorText(const In& in) {
  return in.info.error == ErrorCode::kNone ? OperatorValue() : Text(ErrorName(in.info.error));
}

OperatorValue RequestHeader(const In& in) {
  return in.info.headers == nullptr ? OperatorValue()
                                    : Text(in.info.headers->RequestHeader(in.argument));
}

OperatorValue ResponseHeader(const In& in) {
  return in.info.headers == nullptr ? OperatorValue()
                                    : Text(in.info.headers->ResponseHeader(in.argument));
}

OperatorValue StartRfc3339(const In& in) {
  return Text(in, in.clock.WriteRfc3339(in.room, in.info.start));
}
OperatorValue StartCommon(const In& in) {
  return Text(in, in.clock.WriteCommon(in.room, in.info.start));
}
OperatorValue StartUnixMs(const In& in) {
  const auto since = in.info.start.time_since_epoch();
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(since).count();
  return Number(in, static_cast<uint64_t>(std::max<int64_t>(ms, 0)));
}

constexpr Moment kRequest = Moment::kRequest;
constexpr Moment kResponse = Moment::kResponse;
constexpr Moment kEnd = Moment::kEnd;
constexpr Argument kNone = Argument::kNone;

// One row each: docs/filters/access_log.md explains them in this order.
constexpr Operator kOperators[] = {
    {"START_TIME", kRequest, Argument::kClock, StartRfc3339},
    {"DURATION", kEnd, kNone,
     [](const In& in) { return Bare(in, WriteMilliseconds(in.room, in.info.duration)); }},
    {"METHOD", kRequest, kNone, [](const In& in) { return Text(in.info.method); }},
    {"SCHEME", kRequest, kNone, [](const In& in) { return Text(in.info.scheme); }},
    {"HOST", kRequest, kNone, [](const In& in) { return Text(in.info.host); }},
    {"PATH", kRequest, kNone, Path},
    {"TARGET", kRequest, kNone, [](const In& in) { return Text(in.info.target); }},
    {"PROTOCOL", kRequest, kNone, [](const In& in) { return Text(in.info.protocol); }},
    {"REQ", kRequest, Argument::kHeader, RequestHeader},
    {"RESP", kResponse, Argument::kHeader, ResponseHeader},
    {"RESPONSE_CODE", kResponse, kNone, [](const In& in) { return Number(in, in.info.status); }},
    {"BYTES_RECEIVED", kEnd, kNone, [](const In& in) { return Number(in, in.info.request_bytes); }},
    {"BYTES_SENT", kEnd, kNone, [](const In& in) { return Number(in, in.info.response_bytes); }},
    {"COMPLETE", kEnd, kNone,
     [](const In& in) { return Bare(in.info.complete ? "true" : "false"); }},
    {"CLIENT_IP", kRequest, kNone,
     [](const In& in) { return Text(in, WriteIp(in.room, in.info.client)); }},
    {"PEER", kRequest, kNone,
     [](const In& in) { return Text(in, WriteIpPort(in.room, in.info.peer, in.info.peer_port)); }},
    {"PEER_IP", kRequest, kNone,
     [](const In& in) { return Text(in, WriteIp(in.room, in.info.peer)); }},
    {"LISTENER", kRequest, kNone, [](const In& in) { return Text(in.info.listener); }},
    {"ROUTE", kRequest, kNone, [](const In& in) { return Text(in.info.route); }},
    {"CLUSTER", kResponse, kNone, [](const In& in) { return Text(in.info.cluster); }},
    {"ENDPOINT", kResponse, kNone, [](const In& in) { return Text(in.info.endpoint); }},
    {"ATTEMPTS", kResponse, kNone, [](const In& in) { return Number(in, in.info.attempts); }},
    {"UPSTREAM_STATUS", kResponse, kNone, UpstreamStatus},
    {"UPSTREAM_DURATION", kEnd, kNone, UpstreamDuration},
    {"ERROR", kEnd, kNone, ErrorText},
    {"ERROR_DETAIL", kEnd, kNone, [](const In& in) { return Text(in.info.error_detail); }},
    {"REQUEST_ID", kRequest, kNone, [](const In& in) { return Text(in.info.request_id); }},
};

constexpr Operator kClocks[] = {
    {"", kRequest, kNone, StartRfc3339},
    {"rfc3339", kRequest, kNone, StartRfc3339},
    {"clf", kRequest, kNone, StartCommon},
    {"unix_ms", kRequest, kNone, StartUnixMs},
};

// What Envoy calls things that have another name here.
constexpr std::pair<std::string_view, std::string_view> kElsewhere[] = {
    {"DOWNSTREAM_REMOTE_ADDRESS", "PEER"},
    {"DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", "PEER_IP"},
    {"REMOTE_ADDR", "CLIENT_IP"},
    {"RESPONSE_CODE_DETAILS", "ERROR_DETAIL"},
    {"RESPONSE_DURATION", "UPSTREAM_DURATION"},
    {"RESPONSE_FLAGS", "ERROR"},
    {"ROUTE_NAME", "ROUTE"},
    {"STATUS", "RESPONSE_CODE"},
    {"UPSTREAM_CLUSTER", "CLUSTER"},
    {"UPSTREAM_HOST", "ENDPOINT"},
    {"UPSTREAM_REQUEST_ATTEMPT_COUNT", "ATTEMPTS"},
    {"URL", "TARGET"},
    {"URI", "TARGET"},
};

}  // namespace

std::span<const Operator> Operators() { return kOperators; }

const Operator* FindOperator(std::string_view name) {
  const auto* found = std::find_if(std::begin(kOperators), std::end(kOperators),
                                   [&](const Operator& row) { return row.name == name; });
  return found == std::end(kOperators) ? nullptr : found;
}

std::string_view NearestOperator(std::string_view name) {
  for (const auto& [theirs, ours] : kElsewhere) {
    if (EqualsIgnoreCase(theirs, name)) {
      return ours;
    }
  }
  std::vector<std::string_view> names;
  for (const Operator& row : kOperators) {
    names.push_back(row.name);
  }
  return Nearest(name, names);
}

const Operator* FindClock(std::string_view format) {
  const auto* found =
      std::find_if(std::begin(kClocks), std::end(kClocks),
                   [&](const Operator& row) { return EqualsIgnoreCase(row.name, format); });
  return found == std::end(kClocks) ? nullptr : found;
}

}  // namespace gatehouse::observe

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

// What was written to the room, up to `end`.
OperatorValue Written(const In& in, const char* end) {
  return {in.room, static_cast<size_t>(end - in.room)};
}
OperatorValue Number(const In& in, uint64_t value) {
  return Written(in, WriteUint(in.room, value));
}
OperatorValue Milliseconds(const In& in, Duration value) {
  return Written(in, WriteMilliseconds(in.room, value));
}

template <std::string_view StreamInfo::* kMember>
OperatorValue Member(const In& in) {
  return in.info.*kMember;
}

OperatorValue Path(const In& in) {
  const StreamInfo& info = in.info;
  // Of a request that was refused before its path was normalised: what it asked for.
  return info.path.empty() ? info.target.substr(0, info.target.find('?')) : info.path;
}

OperatorValue UpstreamDuration(const In& in) {
  return in.info.attempts == 0 ? OperatorValue() : Milliseconds(in, in.info.upstream_duration);
}

OperatorValue UpstreamStatus(const In& in) {
  return in.info.upstream_status == 0 ? OperatorValue() : Number(in, in.info.upstream_status);
}

OperatorValue ErrorText(const In& in) {
  return in.info.error == ErrorCode::kNone ? OperatorValue() : ErrorName(in.info.error);
}

OperatorValue RequestHeader(const In& in) {
  const HeaderSource* headers = in.info.headers;
  return headers == nullptr ? OperatorValue() : headers->RequestHeader(in.argument);
}

OperatorValue ResponseHeader(const In& in) {
  const HeaderSource* headers = in.info.headers;
  return headers == nullptr ? OperatorValue() : headers->ResponseHeader(in.argument);
}

// Several values of one field, such as groups, stand with commas between them.
OperatorValue IdentityText(const In& in) {
  if (in.info.identity == nullptr) {
    return {};
  }
  OperatorValue first;
  bool several = false;
  std::string& joined = in.scratch.joined;
  in.field->ForEach(*in.info.identity, [&](std::string_view value) {
    if (first.data() == nullptr) {
      first = value;
      return true;
    }
    if (!several) {
      joined = first;
      several = true;
    }
    joined.append(",").append(value);
    return true;
  });
  return several ? OperatorValue(joined) : first;
}

OperatorValue StartRfc3339(const In& in) {
  return Written(in, in.scratch.clock.WriteRfc3339(in.room, in.info.start));
}
OperatorValue StartCommon(const In& in) {
  return Written(in, in.scratch.clock.WriteCommon(in.room, in.info.start));
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
constexpr Argument kHeader = Argument::kHeader;
constexpr bool kText = false;
constexpr bool kBare = true;

// One row each: docs/filters/access_log.md explains them in this order.
constexpr Operator kOperators[] = {
    {"START_TIME", kRequest, Argument::kClock, kText, StartRfc3339},
    {"DURATION", kEnd, kNone, kBare,
     [](const In& in) { return Milliseconds(in, in.info.duration); }},
    {"METHOD", kRequest, kNone, kText, Member<&StreamInfo::method>},
    {"SCHEME", kRequest, kNone, kText, Member<&StreamInfo::scheme>},
    {"HOST", kRequest, kNone, kText, Member<&StreamInfo::host>},
    {"PATH", kRequest, kNone, kText, Path},
    {"TARGET", kRequest, kNone, kText, Member<&StreamInfo::target>},
    {"PROTOCOL", kRequest, kNone, kText, Member<&StreamInfo::protocol>},
    {"REQ", kRequest, kHeader, kText, RequestHeader},
    {"RESP", kResponse, kHeader, kText, ResponseHeader},
    {"RESPONSE_CODE", kResponse, kNone, kBare,
     [](const In& in) { return Number(in, in.info.status); }},
    {"BYTES_RECEIVED", kEnd, kNone, kBare,
     [](const In& in) { return Number(in, in.info.request_bytes); }},
    {"BYTES_SENT", kEnd, kNone, kBare,
     [](const In& in) { return Number(in, in.info.response_bytes); }},
    {"COMPLETE", kEnd, kNone, kBare,
     [](const In& in) { return OperatorValue(in.info.complete ? "true" : "false"); }},
    {"CLIENT_IP", kRequest, kNone, kText,
     [](const In& in) { return Written(in, WriteIp(in.room, in.info.client)); }},
    {"PEER", kRequest, kNone, kText,
     [](const In& in) {
       return Written(in, WriteIpPort(in.room, in.info.peer, in.info.peer_port));
     }},
    {"PEER_IP", kRequest, kNone, kText,
     [](const In& in) { return Written(in, WriteIp(in.room, in.info.peer)); }},
    {"IDENTITY", kRequest, Argument::kIdentity, kText, IdentityText},
    {"LISTENER", kRequest, kNone, kText, Member<&StreamInfo::listener>},
    {"ROUTE", kRequest, kNone, kText, Member<&StreamInfo::route>},
    {"CLUSTER", kResponse, kNone, kText, Member<&StreamInfo::cluster>},
    {"ENDPOINT", kResponse, kNone, kText, Member<&StreamInfo::endpoint>},
    {"ATTEMPTS", kResponse, kNone, kBare,
     [](const In& in) { return Number(in, in.info.attempts); }},
    {"UPSTREAM_STATUS", kResponse, kNone, kBare, UpstreamStatus},
    {"UPSTREAM_DURATION", kEnd, kNone, kBare, UpstreamDuration},
    {"ERROR", kEnd, kNone, kText, ErrorText},
    {"ERROR_DETAIL", kEnd, kNone, kText, Member<&StreamInfo::error_detail>},
    {"REQUEST_ID", kRequest, kNone, kText, Member<&StreamInfo::request_id>},
};

constexpr Operator kClocks[] = {
    {"", kRequest, kNone, kText, StartRfc3339},
    {"rfc3339", kRequest, kNone, kText, StartRfc3339},
    {"clf", kRequest, kNone, kText, StartCommon},
    {"unix_ms", kRequest, kNone, kBare, StartUnixMs},
};

// What Envoy calls things that have another name here.
constexpr std::pair<std::string_view, std::string_view> kElsewhere[] = {
    {"DOWNSTREAM_REMOTE_ADDRESS", "PEER"},
    {"DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", "PEER_IP"},
    {"REMOTE_ADDR", "CLIENT_IP"},
    {"REMOTE_USER", "IDENTITY(subject)"},
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

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

OperatorValue OfUpstream(const In& in, Duration value) {
  return in.info.attempts == 0 ? OperatorValue() : Milliseconds(in, value);
}
OperatorValue ResponseDuration(const In& in) {
  return in.info.upstream_status == 0 ? OperatorValue()
                                      : Milliseconds(in, in.info.response_duration);
}
OperatorValue OfLimit(const In& in, uint64_t value) {
  return in.info.limit.filter.empty() ? OperatorValue() : Number(in, value);
}

// Of the connection's TLS; nothing in the clear.
OperatorValue IfAny(std::string_view text) { return text.empty() ? OperatorValue() : text; }
template <auto kMember>
OperatorValue OfTls(const In& in) {
  return in.info.tls == nullptr ? OperatorValue() : IfAny(in.info.tls->*kMember);
}
template <std::string PeerCertificate::* kMember>
OperatorValue OfPeer(const In& in) {
  const TlsFacts* const tls = in.info.tls;
  return tls == nullptr || tls->peer == nullptr ? OperatorValue() : IfAny((*tls->peer).*kMember);
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

// What a filter said first stands where its name is, with what it said later.
template <typename Put>
void ForEachVerdict(const StreamInfo& info, Put put) {
  for (const FilterVerdict* one = info.verdicts; one != nullptr; one = one->next) {
    const FilterVerdict* first = info.verdicts;
    while (first->filter != one->filter) {
      first = first->next;
    }
    if (first != one) {
      continue;
    }
    put(one->filter, true, one->verdict);
    for (const FilterVerdict* more = one->next; more != nullptr; more = more->next) {
      if (more->filter == one->filter) {
        put(one->filter, false, more->verdict);
      }
    }
  }
}

OperatorValue VerdictsText(const In& in) {
  std::string& joined = in.scratch.joined;
  joined.clear();
  ForEachVerdict(in.info, [&](std::string_view filter, bool first, std::string_view verdict) {
    if (first) {
      joined.append(joined.empty() ? "" : ",").append(filter).append("=").append(verdict);
    } else {
      joined.append("; ").append(verdict);
    }
  });
  return joined;
}

// One string of an object; the caller closes it.
void AppendMember(LogScratch& scratch, bool first, std::string_view name, std::string_view value) {
  scratch.escaped.assign(first ? "{\"" : "\",\"");
  AppendJsonEscaped(scratch.escaped, name);
  scratch.escaped.append("\":\"");
  AppendJsonEscaped(scratch.escaped, value);
  scratch.line.Append(scratch.escaped);
}

bool VerdictsJson(const In& in) {
  bool empty = true;
  ForEachVerdict(in.info, [&](std::string_view filter, bool first, std::string_view verdict) {
    if (first) {
      AppendMember(in.scratch, std::exchange(empty, false), filter, verdict);
    } else {
      in.scratch.escaped.assign("; ");
      AppendJsonEscaped(in.scratch.escaped, verdict);
      in.scratch.line.Append(in.scratch.escaped);
    }
  });
  if (!empty) {
    in.scratch.line.Append("\"}");
  }
  return !empty;
}

OperatorValue LabelsText(const In& in) {
  std::string& joined = in.scratch.joined;
  joined.clear();
  if (in.info.labels != nullptr) {
    for (const auto& [name, value] : *in.info.labels) {
      joined.append(joined.empty() ? "" : ",").append(name).append("=").append(value);
    }
  }
  return joined;
}

bool LabelsJson(const In& in) {
  if (in.info.labels == nullptr || in.info.labels->empty()) {
    return false;
  }
  bool first = true;
  for (const auto& [name, value] : *in.info.labels) {
    AppendMember(in.scratch, std::exchange(first, false), name, value);
  }
  in.scratch.line.Append("\"}");
  return true;
}

OperatorValue OneLabel(const In& in) {
  if (in.info.labels != nullptr) {
    for (const auto& [name, value] : *in.info.labels) {
      if (name == in.argument) {
        return value;
      }
    }
  }
  return {};
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
    {"REQUEST_DURATION", kEnd, kNone, kBare,
     [](const In& in) { return Milliseconds(in, in.info.request_duration); }},
    {"FILTERS_DURATION", kEnd, kNone, kBare,
     [](const In& in) { return Milliseconds(in, in.info.filters_duration); }},
    {"CONNECT_DURATION", kEnd, kNone, kBare,
     [](const In& in) { return OfUpstream(in, in.info.connect_duration); }},
    {"RESPONSE_WAIT", kEnd, kNone, kBare,
     [](const In& in) { return OfUpstream(in, in.info.response_wait); }},
    {"RESPONSE_DURATION", kEnd, kNone, kBare, ResponseDuration},
    {"UPSTREAM_DURATION", kEnd, kNone, kBare,
     [](const In& in) { return OfUpstream(in, in.info.upstream_duration); }},
    {"GATEWAY_DURATION", kEnd, kNone, kBare,
     [](const In& in) {
       return Milliseconds(in, std::max(in.info.duration - in.info.upstream_duration, Duration(0)));
     }},
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
    {"TLS_VERSION", kRequest, kNone, kText, OfTls<&TlsFacts::version>},
    {"TLS_CIPHER", kRequest, kNone, kText, OfTls<&TlsFacts::cipher>},
    {"TLS_SNI", kRequest, kNone, kText, OfTls<&TlsFacts::server_name>},
    {"TLS_ALPN", kRequest, kNone, kText, OfTls<&TlsFacts::alpn>},
    {"TLS_RESUMED", kRequest, kNone, kBare,
     [](const In& in) {
       return in.info.tls == nullptr ? OperatorValue()
                                     : OperatorValue(in.info.tls->resumed ? "true" : "false");
     }},
    {"CLIENT_CERT_SUBJECT", kRequest, kNone, kText, OfPeer<&PeerCertificate::subject>},
    {"CLIENT_CERT_ISSUER", kRequest, kNone, kText, OfPeer<&PeerCertificate::issuer>},
    {"CLIENT_CERT_SERIAL", kRequest, kNone, kText, OfPeer<&PeerCertificate::serial>},
    {"CLIENT_CERT_FINGERPRINT", kRequest, kNone, kText, OfPeer<&PeerCertificate::fingerprint>},
    {"IDENTITY", kRequest, Argument::kIdentity, kText, IdentityText},
    {"LISTENER", kRequest, kNone, kText, Member<&StreamInfo::listener>},
    {"ROUTE", kRequest, kNone, kText, Member<&StreamInfo::route>},
    {"LABELS", kRequest, kNone, kText, LabelsText, LabelsJson},
    {"LABEL", kRequest, Argument::kLabel, kText, OneLabel},
    {"CLUSTER", kResponse, kNone, kText, Member<&StreamInfo::cluster>},
    {"ENDPOINT", kResponse, kNone, kText, Member<&StreamInfo::endpoint>},
    {"ATTEMPTS", kResponse, kNone, kBare,
     [](const In& in) { return Number(in, in.info.attempts); }},
    {"UPSTREAM_STATUS", kResponse, kNone, kBare, UpstreamStatus},
    {"FILTER", kResponse, kNone, kText, Member<&StreamInfo::answered_by>},
    {"VERDICTS", kEnd, kNone, kText, VerdictsText, VerdictsJson},
    {"LIMIT", kResponse, kNone, kBare,
     [](const In& in) { return OfLimit(in, in.info.limit.limit); }},
    {"LIMIT_REMAINING", kResponse, kNone, kBare,
     [](const In& in) { return OfLimit(in, in.info.limit.remaining); }},
    {"LIMIT_RESET", kResponse, kNone, kBare,
     [](const In& in) {
       const LimitState& limit = in.info.limit;
       return limit.filter.empty() ? OperatorValue() : Milliseconds(in, limit.reset);
     }},
    {"LIMIT_FILTER", kResponse, kNone, kText,
     [](const In& in) { return OperatorValue(in.info.limit.filter); }},
    {"BREAKER", kResponse, kNone, kText, Member<&StreamInfo::breaker>},
    {"FALLBACK", kResponse, kNone, kText, Member<&StreamInfo::fallback>},
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

// What Envoy, nginx and HAProxy call things that have another name here.
constexpr std::pair<std::string_view, std::string_view> kElsewhere[] = {
    {"DOWNSTREAM_REMOTE_ADDRESS", "PEER"},
    {"DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", "PEER_IP"},
    {"DOWNSTREAM_TLS_VERSION", "TLS_VERSION"},
    {"DOWNSTREAM_TLS_CIPHER", "TLS_CIPHER"},
    {"DOWNSTREAM_PEER_SUBJECT", "CLIENT_CERT_SUBJECT"},
    {"DOWNSTREAM_PEER_ISSUER", "CLIENT_CERT_ISSUER"},
    {"DOWNSTREAM_PEER_SERIAL", "CLIENT_CERT_SERIAL"},
    {"DOWNSTREAM_PEER_FINGERPRINT_256", "CLIENT_CERT_FINGERPRINT"},
    {"REQUESTED_SERVER_NAME", "TLS_SNI"},
    {"SSL_PROTOCOL", "TLS_VERSION"},
    {"SSL_CIPHER", "TLS_CIPHER"},
    {"SSL_SERVER_NAME", "TLS_SNI"},
    {"SSL_CLIENT_S_DN", "CLIENT_CERT_SUBJECT"},
    {"SSL_CLIENT_FINGERPRINT", "CLIENT_CERT_FINGERPRINT"},
    {"REMOTE_ADDR", "CLIENT_IP"},
    {"REMOTE_USER", "IDENTITY(subject)"},
    {"RESPONSE_CODE_DETAILS", "ERROR_DETAIL"},
    {"REQUEST_TIME", "DURATION"},
    {"REQUEST_TX_DURATION", "REQUEST_DURATION"},
    {"RESPONSE_FLAGS", "ERROR"},
    {"RESPONSE_TX_DURATION", "RESPONSE_DURATION"},
    {"ROUTE_NAME", "ROUTE"},
    {"TA", "DURATION"},
    {"TC", "CONNECT_DURATION"},
    {"TD", "RESPONSE_DURATION"},
    {"TQ", "REQUEST_DURATION"},
    {"TR", "RESPONSE_WAIT"},
    {"TT", "DURATION"},
    {"UPSTREAM_CONNECT_TIME", "CONNECT_DURATION"},
    {"UPSTREAM_HEADER_TIME", "RESPONSE_WAIT"},
    {"UPSTREAM_RESPONSE_TIME", "UPSTREAM_DURATION"},
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

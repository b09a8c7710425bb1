// SPDX-License-Identifier: Apache-2.0
// A route: what it matches and what happens then. Immutable once loaded.
#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "source/base/clock.h"
#include "source/base/ip.h"
#include "source/base/seldom.h"
#include "source/http/message/head.h"
#include "source/pipeline/value_match.h"

namespace gatehouse::route {

using pipeline::ValueMatch;

enum class PathKind : uint8_t { kAny, kExact, kPrefix, kRegex };

// What a match asks for beside host and path. All parts must hold; empty ones hold always.
struct Conditions {
  std::vector<std::string> methods;
  std::vector<ValueMatch> headers;
  std::vector<ValueMatch> query;
  std::vector<ValueMatch> cookies;
  std::vector<Cidr> client_ip;
  std::string scheme;               // "http", "https" or empty.
  std::vector<uint32_t> listeners;  // Indices of listeners by declaration; empty: all.
  bool empty() const;
};

// All parts must hold. Empty lists hold always. There may be many thousands of these.
struct RouteMatch {
  std::vector<std::string> hosts;  // Lower case; "*.example.org" stands for one or more labels.
  PathKind path_kind = PathKind::kAny;
  std::string path;                            // Prefixes match by segment.
  std::shared_ptr<const re2::RE2> path_regex;  // RE2, full match.
  Seldom<Conditions> conditions;
};

using LabelSet = std::vector<std::pair<std::string, std::string>>;  // Sorted by key.

// One possible destination of a forward.
struct Arm {
  uint32_t cluster = 0;  // Index in the snapshot's clusters.
  LabelSet labels;       // Endpoints must carry these: the route's and the arm's own.
  uint32_t weight = 1;
  uint32_t breaker = 0;  // Number of its circuit breaker in the snapshot, from 1 on; 0: none.
};

struct HeaderEdits {
  std::vector<std::pair<std::string, std::string>> set;
  std::vector<std::pair<std::string, std::string>> add;
  std::vector<std::string> remove;
  bool empty() const { return set.empty() && add.empty() && remove.empty(); }
};

struct Rewrite {
  std::string strip_prefix;  // Cut from the path; what is left starts with "/".
  std::string prefix;        // Put before what is left.
  std::string path;          // Replaces the whole path.
  std::string host;          // Replaces Host.
  HeaderEdits headers;
  bool changes_path() const { return !strip_prefix.empty() || !prefix.empty() || !path.empty(); }
  bool empty() const { return !changes_path() && host.empty() && headers.empty(); }
};

struct Forward {
  std::vector<Arm> arms;  // Not empty; weights sum to more than 0.
  uint64_t total_weight = 1;
  Seldom<LabelSet> split_labels;  // Of several arms: the labels that the route gives them all.
  Seldom<Rewrite> rewrite;
  // What endpoints must carry, whichever arm takes the request.
  const LabelSet& labels() const { return arms.size() == 1 ? arms.front().labels : *split_labels; }
  // The arm that `draw` falls on: evenly distributed draws choose arms by weight.
  const Arm& ArmAt(uint64_t draw) const;
};

struct Redirect {
  uint16_t status = 302;
  std::string scheme;  // Empty parts stay as they were asked for.
  std::string host;
  uint16_t port = 0;
  std::string path;
  std::string prefix;  // Replaces the matched path_prefix.
  bool strip_query = false;
};

struct Respond {
  uint16_t status = 200;
  std::string body;
  std::string body_file;  // Where it is from; empty: from the configuration itself.
  std::string content_type;
  std::vector<std::pair<std::string, std::string>> headers;
};

// What makes a route answer in another way than it was meant to.
enum class FallbackReason : uint8_t {
  kCircuitOpen,
  kNoHealthy,
  kTimeout,
  kRateLimited,
  kOverloaded,
  kReset,
};

// The answer instead of an error: one that is written down, or another cluster's.
struct Fallback {
  uint32_t reasons = 0;       // Bits by FallbackReason.
  std::bitset<100> statuses;  // Of the cluster's own answers: status - 500.
  std::optional<Arm> arm;     // Else `respond`.
  Respond respond;
  bool For(FallbackReason reason) const {
    return (reasons >> static_cast<uint32_t>(reason) & 1) != 0;
  }
  bool ForStatus(uint16_t status) const {
    return status >= 500 && status < 600 && statuses[status - size_t{500}];
  }
};

// Zero: the default of the cluster or listener, or none.
struct RouteTimeouts {
  Duration response_headers{std::chrono::seconds(60)};
  Duration idle{std::chrono::seconds(60)};  // Between two bytes of either direction.
  Duration total{0};                        // Whole stream; 0 is none.
};

using RouteAction = std::variant<Forward, Seldom<Redirect>, Seldom<Respond>>;

struct Route {
  std::string name;    // "routes[3]" when it was not given one.
  uint32_t index = 0;  // By declaration; the smallest that matches wins.
  RouteMatch match;
  RouteAction action;
  RouteTimeouts timeouts;
  Seldom<Fallback> fallback;  // Without one, errors are answered as such.

  // What it does is one of these; the others are null.
  const Forward* forward() const { return std::get_if<Forward>(&action); }
  const Redirect* redirect() const {
    const auto* redirect = std::get_if<Seldom<Redirect>>(&action);
    return redirect == nullptr ? nullptr : &**redirect;
  }
  const Respond* respond() const {
    const auto* respond = std::get_if<Seldom<Respond>>(&action);
    return respond == nullptr ? nullptr : &**respond;
  }
};

// What a route is matched against. Views live as long as the stream.
struct RequestFacts {
  const http::RequestHead& head;  // host and path normalised.
  uint32_t listener = 0;
  IpAddress client;
};

}  // namespace gatehouse::route

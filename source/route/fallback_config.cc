// SPDX-License-Identifier: Apache-2.0
// fallback:
//   when: [circuit_open, no_healthy, timeout, rate_limited, overloaded, reset, 5xx, 503]
//   status: 200                     # an answer, as in `respond`
//   headers: {cache-control: no-store}
//   body: "[]"                      # or body_file: empty.json
//   content_type: application/json
//   cluster: users-readonly         # or another cluster's
//   labels: {version: v1}
#include "source/route/fallback_config.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "source/base/text.h"
#include "source/route/action_config.h"
#include "source/route/labels.h"

namespace gatehouse::route {
namespace {

using config::About;
using config::Object;
using config::Value;

struct Word {
  FallbackReason reason;
  std::string_view name;
};
constexpr std::array kWords = {
    Word{FallbackReason::kCircuitOpen, "circuit_open"},
    Word{FallbackReason::kNoHealthy, "no_healthy"},
    Word{FallbackReason::kTimeout, "timeout"},
    Word{FallbackReason::kRateLimited, "rate_limited"},
    Word{FallbackReason::kOverloaded, "overloaded"},
    Word{FallbackReason::kReset, "reset"},
};

void AddReason(const Value& value, Fallback& out) {
  const std::string name = value.String();
  if (!value.IsScalar()) {
    return;
  }
  const auto word =
      std::find_if(kWords.begin(), kWords.end(), [&](const Word& one) { return one.name == name; });
  const std::optional<uint64_t> status = ParseUint(name);
  if (word != kWords.end()) {
    out.reasons |= 1U << static_cast<uint32_t>(word->reason);
  } else if (name == "5xx") {
    out.statuses.set();
  } else if (status && *status >= 500 && *status < 600) {
    out.statuses.set(*status - 500);
  } else {
    std::vector<std::string_view> names{"5xx"};
    for (const Word& one : kWords) {
      names.push_back(one.name);
    }
    value.Error(
        "must be circuit_open, no_healthy, timeout, rate_limited, overloaded, reset, 5xx "
        "or a status from 500 to 599, got \"" +
            name + "\"",
        std::string(Nearest(name, names)));
  }
}

void LoadReasons(Object& in, Fallback& out) {
  const Value when = in.Get(
      "when",
      About("What makes it answer: circuit_open, no_healthy (no endpoint, or none that can be "
            "connected to), timeout, rate_limited (rate_limit and concurrency filters), overloaded "
            "(limits of the cluster), reset (broken off, or malformed), 5xx or a status from 500 "
            "to 599 of the cluster's answer.")
          .Default("[circuit_open, no_healthy, timeout]")
          .Example("[circuit_open, no_healthy, 503]"));
  const std::vector<Value> words = when.List();
  for (const Value& word : words) {
    AddReason(word, out);
  }
  if (!when.present()) {
    for (const FallbackReason reason :
         {FallbackReason::kCircuitOpen, FallbackReason::kNoHealthy, FallbackReason::kTimeout}) {
      out.reasons |= 1U << static_cast<uint32_t>(reason);
    }
  } else if (when.IsNull() || (when.IsList() && words.empty())) {
    when.Error("lists nothing, so it would never answer");
  }
}

// Of a fallback with a cluster, whose answer it is.
void RefuseAnswer(Object& in) {
  for (const char* key : {"status", "body", "body_file", "headers", "content_type"}) {
    if (in.Has(key)) {
      in.Error(key, "is of an answer, and \"cluster\" gives the answer");
    }
  }
}

}  // namespace

std::string_view ReasonName(FallbackReason reason) {
  return kWords[static_cast<size_t>(reason)].name;
}

std::vector<std::string> WordsOf(const Fallback& fallback) {
  std::vector<std::string> out;
  for (const Word& one : kWords) {
    if (fallback.For(one.reason)) {
      out.emplace_back(one.name);
    }
  }
  if (fallback.statuses.all()) {
    out.emplace_back("5xx");
    return out;
  }
  for (size_t i = 0; i < fallback.statuses.size(); ++i) {
    if (fallback.statuses[i]) {
      out.push_back(std::to_string(500 + i));
    }
  }
  return out;
}

Fallback LoadFallback(Object in, const Forward& forward, LoadContext& context) {
  Fallback out;
  const bool answers = in.Has("status") || in.Has("body") || in.Has("body_file");
  LoadReasons(in, out);
  out.respond = LoadRespond(in);
  const Value cluster =
      in.Get("cluster", About("Instead of an answer: the cluster that gets the request then, once.")
                            .Type("cluster's name"));
  LabelSet labels = LoadLabels(in);
  if (!cluster.present()) {
    if (in.present() && !answers) {
      in.Error("needs an answer (status, body or body_file), or a cluster");
    }
    if (!labels.empty()) {
      in.Error("labels", "are of endpoints, and there is no \"cluster\"");
    }
    return out;
  }
  RefuseAnswer(in);
  const std::string name = cluster.String();
  if (name.empty()) {
    if (cluster.IsScalar()) {
      cluster.Error("needs the name of a cluster");
    }
    return out;
  }
  const std::optional<uint32_t> index = context.Cluster(cluster, name);
  if (!index) {
    return out;
  }
  const auto same = [&](const Arm& arm) { return arm.cluster == *index && arm.labels == labels; };
  if (std::all_of(forward.arms.begin(), forward.arms.end(), same)) {
    cluster.Error(
        "is all that the route forwards to: a fallback goes to another cluster, or to "
        "endpoints with other labels");
  }
  out.arm = Arm{*index, std::move(labels), 1, 0};
  return out;
}

}  // namespace gatehouse::route

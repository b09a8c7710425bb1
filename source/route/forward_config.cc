// SPDX-License-Identifier: Apache-2.0
// cluster: users
// split: [{cluster: users, labels: {version: v1}, weight: 90}, {cluster: users-next, weight: 10}]
// labels: {zone: a}
#include <algorithm>
#include <string>
#include <utility>

#include "source/base/text.h"
#include "source/route/action_config.h"
#include "source/route/labels.h"

namespace gatehouse::route {
namespace {

using config::Object;
using config::Value;

constexpr uint64_t kMaxWeight = 1'000'000;

// The route's labels and the arm's own; one key with two values is an error.
LabelSet MergeLabels(const LabelSet& route, LabelSet arm, const Object& in) {
  for (const auto& [key, value] : route) {
    const auto at = std::lower_bound(arm.begin(), arm.end(), key,
                                     [](const auto& one, const auto& k) { return one.first < k; });
    if (at == arm.end() || at->first != key) {
      arm.insert(at, {key, value});
    } else if (at->second != value) {
      in.Error("labels", "the arm wants " + key + "=" + at->second + " and its route " + key + "=" +
                             value + ": no endpoint can carry both");
    }
  }
  return arm;
}

void LoadCluster(const Value& value, LoadContext& context, Arm& out) {
  const std::string name = value.String();
  if (!name.empty()) {
    out.cluster = context.Cluster(value, name).value_or(0);
  } else if (value.IsScalar() || !value.present()) {
    value.Error("needs the name of a cluster");
  }
}

void LoadArm(const Value& value, const LabelSet& labels, LoadContext& context, Forward& out) {
  Object in = value.Map();
  Arm arm;
  LoadCluster(
      in.Get("cluster",
             config::About("Cluster that takes this share.").Type("cluster's name").Required()),
      context, arm);
  arm.labels = MergeLabels(labels, LoadLabels(in), in);
  arm.weight = static_cast<uint32_t>(
      in.Uint("weight", {.def = 1, .min = 0, .max = kMaxWeight},
              "Share of the requests, relative to the sum of all arms; 0 takes none."));
  in.NotSupportedYet({"sticky"});
  out.arms.push_back(std::move(arm));
}

}  // namespace

Forward LoadForward(Object& in, const RouteMatch& match, LoadContext& context) {
  Forward out;
  const LabelSet labels = LoadLabels(in);
  const Value cluster =
      in.Get("cluster", config::About("Cluster that takes the requests; a route has exactly one of "
                                      "cluster, split, redirect, respond.")
                            .Type("cluster's name"));
  const Value split = in.Get("split", "Clusters that share the requests by weight.");
  if (cluster.present()) {
    Arm arm;
    LoadCluster(cluster, context, arm);
    arm.labels = labels;
    out.arms.push_back(std::move(arm));
  }
  for (const Value& arm : split.List()) {
    LoadArm(arm, labels, context, out);
  }
  out.total_weight = 0;
  for (const Arm& arm : out.arms) {
    out.total_weight += arm.weight;
  }
  if (split.IsNull() || (split.IsList() && out.arms.empty())) {
    split.Error("has no arms");
  } else if (split.IsList() && out.total_weight == 0) {
    split.Error("all weights are 0, so nobody takes the requests");
  }
  if (out.arms.empty() || out.total_weight == 0) {  // Errors; the promises of Forward hold still.
    out.arms.resize(1);
    out.arms.front().weight = 1;
    out.total_weight = 1;
  }
  out.arms.shrink_to_fit();
  if (out.arms.size() > 1 && !labels.empty()) {
    out.split_labels = labels;
  }
  LoadRewrite(in.Child("rewrite", "Changes the request before it is forwarded."), match, context,
              out);
  return out;
}

}  // namespace gatehouse::route

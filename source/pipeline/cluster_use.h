// SPDX-License-Identifier: Apache-2.0
// The clusters that filters send requests of their own to: named, or made from a URL.
#pragma once

#include <optional>
#include <string>

#include "source/config/object.h"
#include "source/config/values.h"

namespace gatehouse::pipeline {

struct LoadContext;

struct ClusterUse {
  std::string name;
  // Of a cluster that is there because a URL names its only endpoint; else `clusters:` must have
  // it.
  std::optional<config::Address> endpoint;
};

struct LoadedClusterUse {
  ClusterUse use;
  config::Value at;  // Where it is written, while the configuration is compiled.
};

// Where a request goes: what FetchRequest wants.
struct FetchTarget {
  std::string cluster;  // Empty after a mistake.
  std::string host;     // Of the Host field.
  std::string target;   // Path and query.
};

// `value` names a cluster of `clusters:`; whether there is one is checked when all have been read.
std::string ClusterNamed(const config::Value& value, const LoadContext& context);

// `value` is "http://HOST[:PORT][/PATH][?QUERY]"; its origin becomes a cluster of that name, with
// the defaults of every cluster. HOST is a name or an IP address.
FetchTarget ClusterOfUrl(const config::Value& value, const LoadContext& context);

}  // namespace gatehouse::pipeline

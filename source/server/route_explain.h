// SPDX-License-Identifier: Apache-2.0
// The route tester: what would become of a request, and why. Nothing is sent.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "source/admin/server_view.h"
#include "source/base/error.h"
#include "source/proxy/snapshot.h"

namespace gatehouse::server {

// The answer, of these members:
//   request      {method, scheme, host, path, query, client_ip}, as matched
//   identity     {subject, kind, filter, groups, claims, attributes}, or null; of claims and
//                attributes lists by name
//   listener     {name, address}
//   route        {name, index, at: "gatehouse.yaml:12:5"}, or null
//   filters      [{name, type, explanation}], in order; explanation: what the filter would make of
//                the request, when it has to say something
//   forward      {path, host, arms: [{cluster, labels, weight, percent, endpoints, of, breaker:
//                {state, cause}}]}; `endpoints` carry the labels, `of` all that the cluster has
//   fallback     {when: [reason], arm} or {when, respond: {status, bytes}}, when the route has one
//   redirect     {status, location}        of these four, one
//   respond      {status, bytes}
//   refused      {status, why}
//   near_misses  [{route, at, why}]
//   notes        [sentence]
// An error when the question can't be understood. `config_name` is what `at` begins with. Any
// thread.
Result<nlohmann::ordered_json> ExplainRequest(const proxy::Snapshot& snapshot,
                                              const admin::RouteQuestion& question,
                                              const std::string& config_name);

// As text; what is not UTF-8 is replaced. Ends with a line feed.
std::string ExplanationJson(const nlohmann::ordered_json& explanation);

// The same for people; ends with a line feed.
std::string ExplanationText(const nlohmann::ordered_json& explanation);

}  // namespace gatehouse::server

// SPDX-License-Identifier: Apache-2.0
#include "source/route/conditions.h"

#include <re2/re2.h>

#include <algorithm>

namespace gatehouse::route {
namespace {

template <typename List, typename Test>
bool EmptyOrAny(const List& list, Test test) {
  return list.empty() || std::any_of(list.begin(), list.end(), test);
}

}  // namespace

bool HasConditions(const RouteMatch& match) {
  return match.path_kind == PathKind::kRegex || !match.conditions->empty();
}

bool ConditionsHold(const RouteMatch& match, const RequestFacts& request,
                    pipeline::QueryDecoder& decoder) {
  const http::RequestHead& head = request.head;
  const Conditions& asked = *match.conditions;
  return EmptyOrAny(asked.listeners, [&](uint32_t one) { return one == request.listener; }) &&
         (asked.scheme.empty() || asked.scheme == head.scheme) &&
         EmptyOrAny(asked.methods,
                    [&](const std::string& one) { return one == head.method_name; }) &&
         EmptyOrAny(asked.client_ip,
                    [&](const Cidr& one) { return one.Contains(request.client); }) &&
         std::all_of(asked.headers.begin(), asked.headers.end(),
                     [&](const ValueMatch& one) { return pipeline::HeaderMatches(one, head); }) &&
         std::all_of(
             asked.query.begin(), asked.query.end(),
             [&](const ValueMatch& one) { return pipeline::QueryMatches(one, head, decoder); }) &&
         std::all_of(asked.cookies.begin(), asked.cookies.end(),
                     [&](const ValueMatch& one) { return pipeline::CookieMatches(one, head); }) &&
         (match.path_kind != PathKind::kRegex ||
          re2::RE2::FullMatch({head.path.data(), head.path.size()}, *match.path_regex));
}

}  // namespace gatehouse::route

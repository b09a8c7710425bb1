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
  return match.path_kind == PathKind::kRegex || !match.methods.empty() || !match.headers.empty() ||
         !match.query.empty() || !match.cookies.empty() || !match.client_ip.empty() ||
         !match.scheme.empty() || !match.listeners.empty();
}

bool ConditionsHold(const RouteMatch& match, const RequestFacts& request, QueryDecoder& decoder) {
  const http::RequestHead& head = request.head;
  return EmptyOrAny(match.listeners, [&](uint32_t one) { return one == request.listener; }) &&
         (match.scheme.empty() || match.scheme == head.scheme) &&
         EmptyOrAny(match.methods,
                    [&](const std::string& one) { return one == head.method_name; }) &&
         EmptyOrAny(match.client_ip,
                    [&](const Cidr& one) { return one.Contains(request.client); }) &&
         std::all_of(match.headers.begin(), match.headers.end(),
                     [&](const ValueMatch& one) { return HeaderMatches(one, head); }) &&
         std::all_of(match.query.begin(), match.query.end(),
                     [&](const ValueMatch& one) { return QueryMatches(one, head, decoder); }) &&
         std::all_of(match.cookies.begin(), match.cookies.end(),
                     [&](const ValueMatch& one) { return CookieMatches(one, head); }) &&
         (match.path_kind != PathKind::kRegex ||
          re2::RE2::FullMatch({head.path.data(), head.path.size()}, *match.path_regex));
}

}  // namespace gatehouse::route

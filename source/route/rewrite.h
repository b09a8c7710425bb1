// SPDX-License-Identifier: Apache-2.0
// The targets and locations that routes make out of what was asked for.
//
// The YAML it serves: rewrite: {strip_prefix: /api, prefix: /v2, path: /all, host: users.internal,
//                               headers: {set: {x-via: gatehouse}, add: {}, remove: [x-internal]}}
//                     redirect: {scheme: https, host: example.com, path: /new, status: 308}
// A path that is made here never begins with two slashes: as a target, servers would read an
// authority out of it, and as a location, browsers would go to another host.
#pragma once

#include <string_view>

#include "source/base/arena.h"
#include "source/http/message/head.h"
#include "source/route/route.h"

namespace gatehouse::route {

// The request target to forward: the path rewritten, the query as it came. `head.target` itself
// when there is nothing to rewrite (and for "*"), else bytes in `arena`.
std::string_view RewrittenTarget(const Forward& forward, const http::RequestHead& head,
                                 Arena& arena);

// Removes, sets and adds, in this order. Names and values stay views of `edits`, which must outlive
// the stream.
void ApplyHeaderEdits(const HeaderEdits& edits, http::Headers& headers);

// The Location for a redirect of `head`, which `match` let in: an absolute path as long as the
// origin stays, else an absolute URL. Bytes that a URL can't hold are percent-encoded. A request's
// port stays only if scheme and host do. Empty when a host is needed and the request has none: 400.
std::string_view RedirectLocation(const Redirect& redirect, const RouteMatch& match,
                                  const http::RequestHead& head, Arena& arena);

}  // namespace gatehouse::route

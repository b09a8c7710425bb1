// SPDX-License-Identifier: Apache-2.0
// rewrite: {strip_prefix: /api, prefix: /v2, path: /all, host: users.internal,
//           headers: {set: {x-via: gatehouse}, add: {}, remove: [x-internal]}}
#include <string>
#include <string_view>

#include "source/http/authority.h"
#include "source/pipeline/path_config.h"
#include "source/route/action_config.h"
#include "source/route/header_config.h"
#include "source/route/route_index.h"

namespace gatehouse::route {
namespace {

using config::Object;
using config::Value;

// Says when a prefix is never, or not always, there to be stripped.
void CheckStripped(const Value& value, std::string_view prefix, const RouteMatch& match) {
  const std::string_view stripped = CanonicalPrefix(prefix);
  if (stripped.empty()) {
    value.Error("strips nothing");
    return;
  }
  const bool exact = match.path_kind == PathKind::kExact;
  if (!exact && match.path_kind != PathKind::kPrefix) {
    return;  // Any path might have it.
  }
  const std::string_view matched =
      exact ? std::string_view(match.path) : CanonicalPrefix(match.path);
  if (IsUnder(matched, stripped)) {
    return;
  }
  const std::string key = exact ? "path " : "path_prefix ";
  if (!exact && IsUnder(stripped, matched)) {
    value.Warning("is longer than " + key + match.path +
                  ": paths that don't have it are forwarded as they are");
  } else {
    value.Error("never applies: paths that match " + key + match.path + " are not under it",
                match.path);
  }
}

std::string LoadAuthority(const Value& value, Arena& arena) {
  std::string out = value.String();
  if (value.IsScalar() && !http::NormaliseHost(out, arena)) {
    value.Error("is not a host, or a host and a port");
  }
  return out;
}

}  // namespace

void LoadRewrite(Object in, const RouteMatch& match, LoadContext& context, Forward& out) {
  Rewrite rewrite;
  const Value strip =
      in.Get("strip_prefix",
             config::About("Cut from the front of the path, by whole segments.").Type("path"));
  const Value prefix =
      in.Get("prefix", config::About("Put before what is left of the path.").Type("path"));
  const Value path =
      in.Get("path", config::About("Replaces the whole path; the query stays.").Type("path"));
  const Value host =
      in.Get("host",
             config::About("Replaces the Host that the endpoint sees.").Type("host, or host:port"));
  if (strip.present()) {
    rewrite.strip_prefix = pipeline::LoadPath(strip, context.arena());
    CheckStripped(strip, rewrite.strip_prefix, match);
  }
  if (prefix.present()) {
    rewrite.prefix = pipeline::LoadPath(prefix, context.arena());
  }
  if (path.present()) {
    rewrite.path = pipeline::LoadPath(path, context.arena());
    for (const std::string_view key : {"strip_prefix", "prefix"}) {
      if (in.Has(key)) {
        in.Error(key, "can't stand beside \"path\", which replaces the whole path");
      }
    }
  }
  if (host.present()) {
    rewrite.host = LoadAuthority(host, context.arena());
  }
  rewrite.headers = LoadHeaderEdits(in.Child("headers", "Changes to the headers of the request."));
  if (!rewrite.empty()) {
    out.rewrite = std::move(rewrite);
  }
}

}  // namespace gatehouse::route

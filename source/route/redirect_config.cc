// SPDX-License-Identifier: Apache-2.0
// redirect: {scheme: https, host: example.com, port: 8443, path: /new, status: 308}
// redirect: {prefix: /v2, status: 301, strip_query: true}
#include <algorithm>
#include <string>
#include <string_view>

#include "source/pipeline/path_config.h"
#include "source/route/action_config.h"

namespace gatehouse::route {
namespace {

using config::Object;
using config::Value;

uint16_t LoadStatus(Object& in) {
  return in.Enum<uint16_t>(
      "status", {{"301", 301}, {"302", 302}, {"303", 303}, {"307", 307}, {"308", 308}}, 302,
      "301 and 308 are permanent, 302, 303 and 307 are not; 307 and 308 keep the method.");
}

}  // namespace

Redirect LoadRedirect(Object in, const RouteMatch& match, LoadContext& context) {
  Redirect out;
  out.scheme = in.Enum<std::string_view>("scheme", {{"http", "http"}, {"https", "https"}}, "",
                                         "Scheme of the new place; left out, that of the request.");
  const Value host = in.Get(
      "host", config::About("Host of the new place; left out, that of the request.").Type("host"));
  if (host.present()) {
    out.host = pipeline::LoadHost(host, /*wildcard=*/false, context.arena());
  }
  out.port = static_cast<uint16_t>(in.Uint(
      "port", {.def = 0, .min = 1, .max = 65535},
      "Port of the new place; left out, that of the request, unless scheme or host change."));
  const Value path = in.Get("path", config::About("Path of the new place, in full.").Type("path"));
  if (path.present()) {
    out.path = pipeline::LoadPath(path, context.arena());
  }
  const Value prefix = in.Get(
      "prefix",
      config::About("Replaces the matched path_prefix; the rest of the path stays.").Type("path"));
  if (prefix.present()) {
    out.prefix = pipeline::LoadPath(prefix, context.arena());
    if (path.present()) {
      prefix.Error("can't stand beside \"path\", which replaces the whole path");
    } else if (match.path_kind != PathKind::kPrefix) {
      prefix.Error("needs match.path_prefix, which it replaces");
    }
  }
  out.status = LoadStatus(in);
  out.strip_query =
      in.Bool("strip_query", false, "Whether the query is dropped; else it goes along.");
  constexpr std::string_view kParts[] = {"scheme", "host", "port", "path", "prefix"};
  if (std::none_of(std::begin(kParts), std::end(kParts),
                   [&](std::string_view key) { return in.Has(key); })) {
    in.Error("the redirect changes nothing: it needs one of scheme, host, port, path, prefix");
  }
  return out;
}

}  // namespace gatehouse::route

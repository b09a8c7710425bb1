// SPDX-License-Identifier: Apache-2.0
#include "source/pipeline/cluster_use.h"

#include <algorithm>
#include <utility>

#include "source/base/text.h"
#include "source/pipeline/catalog.h"

namespace gatehouse::pipeline {
namespace {

constexpr std::string_view kHttp = "http://";
constexpr std::string_view kHttps = "https://";

void Note(const LoadContext& context, ClusterUse use, const config::Value& at) {
  if (context.cluster_uses != nullptr) {
    context.cluster_uses->push_back({std::move(use), at});
  }
}

// What stands in a request line as it is (RFC 9112 section 3.2.1).
bool IsTarget(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return c > 0x20 && c < 0x7f && c != '#'; });
}

// Not quoted when it may have a password, and without its query, which may hold a secret.
void ErrorNoUrl(const config::Value& value, const std::string& url) {
  std::string message = "must be a URL such as https://idp.example.com/keys";
  if (url.find('@') != url.npos) {
    message += ", without a user or a password";
  } else {
    const size_t query = url.find('?');
    message += ", got \"" + url.substr(0, query) + (query == url.npos ? "\"" : "?***\"");
  }
  value.Error(std::move(message));
}

}  // namespace

std::string ClusterNamed(const config::Value& value, const LoadContext& context) {
  std::string name = value.String();
  if (name.empty()) {
    if (value.IsScalar() || value.IsNull()) {
      value.Error("needs the name of a cluster");
    }
    return {};
  }
  Note(context, {name, std::nullopt}, value);
  return name;
}

FetchTarget ClusterOfUrl(const config::Value& value, const LoadContext& context) {
  const std::string url = value.String();
  if (!value.IsScalar()) {
    return {};
  }
  const bool tls = url.starts_with(kHttps);
  if (!tls && !url.starts_with(kHttp)) {
    ErrorNoUrl(value, url);
    return {};
  }
  const std::string_view scheme = tls ? kHttps : kHttp;
  const std::string_view rest = std::string_view(url).substr(scheme.size());
  const std::string_view host = rest.substr(0, rest.find_first_of("/?#"));
  const std::string_view target = rest.substr(host.size());
  const size_t colon = host.rfind(':');
  const bool has_port = colon != host.npos && host.find(']', colon) == host.npos;
  const auto address = config::ParseAddress(std::string(host) + (has_port ? ""
                                                                 : tls    ? ":443"
                                                                          : ":80"));
  if (host.empty() || host.front() == ':' || !address || address->port == 0 ||
      address->kind == config::Address::Kind::kUnix || !IsTarget(target)) {
    ErrorNoUrl(value, url);
    return {};
  }
  std::string origin = std::string(scheme) + Lowercase(host);
  FetchTarget out{origin, std::string(host), std::string(target)};
  if (target.empty() || target.front() != '/') {
    out.target.insert(0, "/");
  }
  Note(context, {std::move(origin), *address}, value);
  return out;
}

}  // namespace gatehouse::pipeline

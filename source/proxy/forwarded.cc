// SPDX-License-Identifier: Apache-2.0
#include "source/proxy/forwarded.h"

#include <algorithm>
#include <optional>

#include "source/base/text.h"

namespace gatehouse::proxy {
namespace {

using http::Known;

// All lines of a list field joined, then `element`: one line.
void AppendElement(http::Headers& headers, Known known, std::string_view name,
                   std::string_view element) {
  const http::Field* first = headers.Find(known);
  if (first == nullptr) {
    headers.Add(name, element);
    return;
  }
  std::string_view joined = first->value;
  for (const http::Field* next = headers.Next(*first); next != nullptr;
       next = headers.Next(*next)) {
    joined = headers.arena().Concat(joined, ", ", next->value);
  }
  const bool empty = TrimOws(joined).empty();
  headers.Set(name, empty ? element : headers.arena().Concat(joined, ", ", element));
}

// "1.2.3.4", "1.2.3.4:80", "[::1]:80", "::1".
std::optional<IpAddress> ParseForwardedElement(std::string_view element) {
  if (element.starts_with('[')) {
    return ParseIp(element.substr(1, element.find(']') - 1));
  }
  if (std::count(element.begin(), element.end(), ':') == 1) {
    return ParseIp(element.substr(0, element.find(':')));
  }
  return ParseIp(element);
}

// A value that only a trusted peer may bring.
void Claim(http::Headers& headers, Known known, std::string_view name, std::string_view value,
           bool keep) {
  if (keep && headers.Has(known)) {
    return;
  }
  if (headers.Has(known)) {
    headers.Set(name, value);
  } else {
    headers.Add(name, value);
  }
}

}  // namespace

bool IsTrusted(const ListenerSettings& settings, const IpAddress& peer) {
  return std::any_of(settings.trusted_proxies.begin(), settings.trusted_proxies.end(),
                     [&](const Cidr& block) { return block.Contains(peer); });
}

IpAddress ClientBehind(const ListenerSettings& settings, const IpAddress& peer,
                       const http::Headers& headers) {
  IpAddress client = peer;
  bool done = false;
  // The walk goes from the end, which trusted proxies wrote. Lines before the last few don't
  // matter: whoever sends many of them must not push the true ones out of sight.
  constexpr size_t kMaxLines = 16;
  const http::Field* lines[kMaxLines];
  size_t count = 0;
  for (const http::Field* field = headers.Find(Known::kXForwardedFor); field != nullptr;
       field = headers.Next(*field)) {
    lines[count++ % kMaxLines] = field;
  }
  const size_t first = count > kMaxLines ? count - kMaxLines : 0;
  while (count > first && !done) {
    std::string_view rest = lines[--count % kMaxLines]->value;
    while (!rest.empty() && !done) {
      const size_t comma = rest.rfind(',');
      const std::string_view element =
          TrimOws(comma == std::string_view::npos ? rest : rest.substr(comma + 1));
      rest = comma == std::string_view::npos ? std::string_view() : rest.substr(0, comma);
      if (element.empty()) {
        continue;
      }
      const std::optional<IpAddress> address = ParseForwardedElement(element);
      if (!address) {
        done = true;
        break;
      }
      client = *address;
      done = !IsTrusted(settings, client);
    }
  }
  return client;
}

void ApplyForwarded(const ListenerSettings& settings, const ForwardedFacts& facts,
                    http::RequestHead& head) {
  http::Headers& headers = head.headers;
  if (settings.forward_real_ip) {
    Claim(headers, Known::kXRealIp, "X-Real-IP", facts.client, false);
  }
  if (settings.forward_request_id) {
    Claim(headers, Known::kXRequestId, "X-Request-Id", facts.request_id, facts.trusted);
  }
  if (settings.forwarded == ForwardedMode::kOff) {
    return;
  }
  const bool append = settings.forwarded == ForwardedMode::kAppend;
  if (append) {
    AppendElement(headers, Known::kXForwardedFor, "X-Forwarded-For", facts.peer);
  } else {
    Claim(headers, Known::kXForwardedFor, "X-Forwarded-For", facts.peer, false);
  }
  const bool keep = append && facts.trusted;
  Claim(headers, Known::kXForwardedProto, "X-Forwarded-Proto", facts.scheme, keep);
  Claim(headers, Known::kXForwardedHost, "X-Forwarded-Host", head.authority, keep);
  AppendElement(headers, Known::kVia, "Via", facts.via);
}

}  // namespace gatehouse::proxy

// SPDX-License-Identifier: Apache-2.0
#include "source/http/websocket/handshake.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "source/base/digest.h"
#include "source/base/text.h"

namespace gatehouse::http {
namespace {

constexpr std::string_view kKey = "sec-websocket-key";
constexpr std::string_view kVersion = "sec-websocket-version";
constexpr std::string_view kAccept = "sec-websocket-accept";
// RFC 6455 section 1.3.
constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

// The value of a field that must appear exactly once; empty when it doesn't.
std::string_view Single(const Headers& headers, std::string_view name) {
  const Field* field = headers.Find(name);
  return field != nullptr && headers.Next(*field) == nullptr ? field->value : std::string_view();
}

bool SaysUpgrade(const Headers& headers) {
  bool found = false;
  for (const Field* field = headers.Find(Known::kConnection); field != nullptr;
       field = headers.Next(*field)) {
    ForEachListElement(field->value, [&](std::string_view option) {
      found = found || EqualsIgnoreCase(option, "upgrade");
      return !found;
    });
  }
  return found;
}

// 16 bytes in base64: 22 digits and two signs of padding.
bool IsKey(std::string_view value) {
  const auto digit = [](char c) {
    return IsDigit(c) || (ToLower(c) >= 'a' && ToLower(c) <= 'z') || c == '+' || c == '/';
  };
  return value.size() == 24 && value.ends_with("==") &&
         std::all_of(value.begin(), value.end() - 2, digit);
}

}  // namespace

bool IsWebSocketRequest(const RequestHead& head) {
  return head.method == Method::kGet && head.version == Version::kHttp11 &&
         head.framing == Framing::kNone && SaysUpgrade(head.headers) &&
         EqualsIgnoreCase(Single(head.headers, NameOf(Known::kUpgrade)), "websocket") &&
         Single(head.headers, kVersion) == "13" && IsKey(Single(head.headers, kKey));
}

bool AcceptsWebSocket(std::string_view key, const ResponseHead& response) {
  if (!SaysUpgrade(response.headers) ||
      !EqualsIgnoreCase(Single(response.headers, NameOf(Known::kUpgrade)), "websocket")) {
    return false;
  }
  return Single(response.headers, kAccept) == WebSocketAccept(key);
}

std::string_view WebSocketKey(const Headers& headers) { return Single(headers, kKey); }

// 16 bytes in base64 have 22 digits, of which the last holds two bits.
std::string NewWebSocketKey() {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  constexpr size_t kKeyDigits = 22;
  const Sha256Digest random = RandomKey();
  std::string key;
  for (size_t i = 0; i < kKeyDigits; ++i) {
    key += kDigits[random[i] & (i + 1 < kKeyDigits ? 0x3f : 0x30)];
  }
  return key + "==";
}

std::string WebSocketAccept(std::string_view key) {
  return Sha1Base64(std::string(key).append(kGuid));
}

bool HasWebSocketAccept(const Headers& headers) { return headers.Find(kAccept) != nullptr; }

}  // namespace gatehouse::http

// SPDX-License-Identifier: Apache-2.0
#include "source/http/h2/field_list.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "source/base/text.h"
#include "source/http/message/byte_scan.h"
#include "source/http/message/connection_options.h"
#include "source/http/message/syntax.h"

namespace gatehouse::http {
namespace {

constexpr size_t kMaxPseudo = 5;
constexpr size_t kMaxOwn = 2;  // content-length, te.
constexpr std::string_view kWebSocketKey = "sec-websocket-key";
constexpr std::string_view kWebSocketAccept = "sec-websocket-accept";

constexpr uint64_t Bit(Known known) { return uint64_t{1} << static_cast<unsigned>(known); }
static_assert(kKnownCount <= 64);
constexpr uint64_t kLeftOut =
    Bit(Known::kConnection) | Bit(Known::kContentLength) | Bit(Known::kHost) |
    Bit(Known::kHttp2Settings) | Bit(Known::kKeepAlive) | Bit(Known::kProxyConnection) |
    Bit(Known::kTe) | Bit(Known::kTransferEncoding) | Bit(Known::kUpgrade);

// The digits of all statuses.
constexpr uint16_t kStatuses = 1000;
constexpr std::array<char, 3 * kStatuses> MakeStatusDigits() {
  std::array<char, 3 * kStatuses> digits{};
  for (size_t i = 0; i < kStatuses; ++i) {
    digits[3 * i] = static_cast<char>('0' + i / 100);
    digits[3 * i + 1] = static_cast<char>('0' + i / 10 % 10);
    digits[3 * i + 2] = static_cast<char>('0' + i % 10);
  }
  return digits;
}
constexpr std::array<char, 3 * kStatuses> kStatusDigits = MakeStatusDigits();

bool HasUpper(std::string_view name) {
  uint8_t seen = 0;
  for (const char c : name) {
    seen |= ByteClass(c);
  }
  return (seen & kUpperByte) != 0;
}

std::string_view LowerName(const Field& field, Arena& arena) {
  if (field.known != Known::kNone) {
    return NameOf(field.known);
  }
  if (!HasUpper(field.name)) {
    return field.name;
  }
  auto* const out = static_cast<char*>(arena.Allocate(field.name.size()));
  std::transform(field.name.begin(), field.name.end(), out, ToLower);
  return {out, field.name.size()};
}

bool HasControl(std::string_view text) {
  const char* const end = text.data() + text.size();
  return FindControl(text.data(), end) != end;
}

// What no other message has: it would only push better entries out of the table.
uint8_t FlagsOf(const Field& field) {
  return field.never_indexed || field.known == Known::kXRequestId ||
                 field.known == Known::kAuthorization
             ? NGHTTP2_NV_FLAG_NO_INDEX
             : NGHTTP2_NV_FLAG_NONE;
}

bool TakesTrailers(const Headers& headers) {
  bool takes = false;
  for (const Field* field = headers.Find(Known::kTe); field != nullptr;
       field = headers.Next(*field)) {
    ForEachListElement(field->value, [&](std::string_view element) {
      takes = takes || EqualsIgnoreCase(element, "trailers");
      return !takes;
    });
  }
  return takes;
}

}  // namespace

void FieldList::Begin(const Headers& headers) {
  const size_t most = headers.count() + kMaxPseudo + kMaxOwn;
  pairs_ = static_cast<nghttp2_nv*>(headers.arena().Allocate(most * sizeof(nghttp2_nv)));
  size_ = 0;
}

FieldList::Pairs FieldList::Request(const RequestHead& head, std::string_view scheme) {
  const Headers& headers = head.headers;
  const bool upgrade = !head.upgrade.empty();
  Begin(headers);
  Put(":method", upgrade ? "CONNECT" : head.method_name);
  if (upgrade) {
    Put(":protocol", head.upgrade);
  }
  Put(":scheme", scheme);
  const std::string_view authority =
      headers.Has(Known::kHost) ? TrimOws(headers.Value(Known::kHost)) : head.authority;
  if (!authority.empty() && !HasControl(authority)) {
    Put(":authority", authority);
  }
  Put(":path", head.target);
  PutFields(headers, upgrade ? kWebSocketKey : std::string_view());
  if (TakesTrailers(headers)) {
    Put("te", "trailers");
  }
  if (head.framing == Framing::kLength && !upgrade) {
    PutLength(head.content_length, headers.arena());
  }
  return {pairs_, size_};
}

FieldList::Pairs FieldList::Response(const ResponseHead& head, const RequestHead& request,
                                     bool end) {
  const bool tunnel = head.status == 101 && !request.upgrade.empty();
  Begin(head.headers);
  PutStatus(tunnel ? 200 : head.status);
  PutFields(head.headers, tunnel ? kWebSocketAccept : std::string_view());
  const FramingField framing = tunnel ? FramingField() : FramingOf(head, request, end);
  if (framing.framing == Framing::kLength) {
    PutLength(framing.content_length, head.headers.arena());
  }
  return {pairs_, size_};
}

FieldList::Pairs FieldList::Informational(const ResponseHead& head) {
  Begin(head.headers);
  PutStatus(head.status);
  PutFields(head.headers, {});
  return {pairs_, size_};
}

FieldList::Pairs FieldList::Trailers(const Headers& trailers) {
  Begin(trailers);
  PutFields(trailers, {});
  return {pairs_, size_};
}

void FieldList::Put(std::string_view name, std::string_view value, uint8_t more_flags) {
  // nghttp2 takes bytes, and doesn't write to them.
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
  };
  const uint8_t flags = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE | more_flags;
  pairs_[size_++] = {bytes(name), bytes(value), name.size(), value.size(), flags};
}

void FieldList::PutStatus(uint16_t status) {
  Put(":status", {&kStatusDigits[3 * (status % kStatuses)], 3});
}

void FieldList::PutLength(uint64_t length, Arena& arena) {
  constexpr size_t kMaxDigits = 20;
  auto* const digits = static_cast<char*>(arena.Allocate(kMaxDigits));
  const char* const end = std::to_chars(digits, digits + kMaxDigits, length).ptr;
  Put("content-length", {digits, static_cast<size_t>(end - digits)});
}

void FieldList::PutFields(const Headers& headers, std::string_view left_out) {
  const bool names_fields =
      headers.Has(Known::kConnection) && ReadConnectionOptions(headers).names_fields;
  headers.ForEach([&](const Field& field) {
    if ((kLeftOut & Bit(field.known)) != 0 ||
        (names_fields && IsNamedByConnection(headers, field)) ||
        (!left_out.empty() && EqualsIgnoreCase(field.name, left_out))) {
      return;
    }
    // Parsers have checked theirs.
    if (field.line_bytes == 0 && (!IsToken(field.name) || HasControl(field.value))) {
      return;
    }
    Put(LowerName(field, headers.arena()), TrimOws(field.value), FlagsOf(field));
  });
}

}  // namespace gatehouse::http

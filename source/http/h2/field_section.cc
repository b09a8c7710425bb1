// SPDX-License-Identifier: Apache-2.0
#include "source/http/h2/field_section.h"

#include <algorithm>
#include <cstring>

#include "source/base/text.h"
#include "source/http/message/byte_scan.h"

namespace gatehouse::http {
namespace {

constexpr size_t kFieldOverhead = 32;  // RFC 9113 section 6.5.2.
constexpr size_t kRoom = 1024;         // What is taken from the arena at a time.
// Browsers send up to 180 cookies to a site.
constexpr uint32_t kMaxCrumbs = 512;
// Beyond max_header_bytes that often, but not before a head anybody means to send.
constexpr uint64_t kExcess = 4;
constexpr uint64_t kLeastExcess = 256 * 1024;

struct NameCheck {
  bool sound;
  bool underscores;
};

// Names are tokens in lower case (RFC 9113 section 8.2.1).
NameCheck CheckName(std::string_view name) {
  uint8_t common = kTokenByte;
  uint8_t seen = 0;
  for (const char c : name) {
    const uint8_t byte_class = ByteClass(c);
    common &= byte_class;
    seen |= byte_class;
  }
  return {!name.empty() && common != 0 && (seen & kUpperByte) == 0, (seen & kUnderscoreByte) != 0};
}

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

bool IsSoundValue(std::string_view value) {
  if (value.empty()) {
    return true;
  }
  const char* const end = value.data() + value.size();
  return !IsBlank(value.front()) && !IsBlank(value.back()) && FindControl(value.data(), end) == end;
}

// What speaks of a connection has no place in HTTP/2 (RFC 9113 section 8.2.2).
const char* ConnectionFault(Known known, std::string_view value, FieldOrigin origin) {
  switch (known) {
    case Known::kConnection:
    case Known::kKeepAlive:
    case Known::kProxyConnection:
    case Known::kTransferEncoding:
    case Known::kUpgrade:
      return "a field that belongs to a connection of HTTP/1";
    case Known::kTe:
      return origin == FieldOrigin::kRequest && EqualsIgnoreCase(value, "trailers")
                 ? nullptr
                 : "TE says something other than 'trailers'";
    default:
      return nullptr;
  }
}

}  // namespace

void FieldSection::Begin(Headers& headers, FieldOrigin origin) {
  headers_ = &headers;
  origin_ = origin;
  fault_ = {};
  bytes_ = 0;
  fields_ = 0;
  has_fields_ = false;
  room_ = nullptr;
  room_left_ = 0;
  first_crumb_ = nullptr;
  last_crumb_ = nullptr;
  crumbs_ = 0;
  crumb_never_indexed_ = false;
}

bool FieldSection::Count(std::string_view name, std::string_view value) {
  bytes_ += name.size() + value.size() + kFieldOverhead;
  if (bytes_ > limits_.max_header_bytes) [[unlikely]] {
    const Fault fault = TooLargeFields(origin_, "the head is too large");
    Fail(fault.code, fault.reason);
  }
  return !failed();
}

void FieldSection::Add(std::string_view name, std::string_view value, bool never_indexed) {
  has_fields_ = true;
  const NameCheck check = CheckName(name);
  if (!check.sound) [[unlikely]] {
    FailMalformed("a field name is not a token in lower case");
    return;
  }
  if (!IsSoundValue(value)) [[unlikely]] {
    FailMalformed("a field value has a control character or begins or ends with whitespace");
    return;
  }
  const Known known = LookUpName(name);
  if (const char* const reason = ConnectionFault(known, value, origin_)) [[unlikely]] {
    FailMalformed(reason);
    return;
  }
  if (known == Known::kCookie && origin_ == FieldOrigin::kRequest) {
    AddCrumb(value, never_indexed);
    return;
  }
  if (++fields_ > limits_.max_headers) [[unlikely]] {
    const Fault fault = TooLargeFields(origin_, "more fields than the limit allows");
    Fail(fault.code, fault.reason);
    return;
  }
  if (check.underscores && origin_ == FieldOrigin::kRequest && LooksLikeKnown(name)) [[unlikely]] {
    return;
  }
  AddLine(known, name, value, never_indexed);
}

void FieldSection::AddOwn(Known known, std::string_view value) {
  has_fields_ = true;
  AddLine(known, NameOf(known), value, false);
}

void FieldSection::AddCrumb(std::string_view value, bool never_indexed) {
  if (crumbs_ == 0 && ++fields_ > limits_.max_headers) {
    const Fault fault = TooLargeFields(origin_, "more fields than the limit allows");
    Fail(fault.code, fault.reason);
    return;
  }
  if (++crumbs_ > kMaxCrumbs) {
    const Fault fault = TooLargeFields(origin_, "more pieces of Cookie than anybody needs");
    Fail(fault.code, fault.reason);
    return;
  }
  crumb_never_indexed_ = crumb_never_indexed_ || never_indexed;
  if (value.empty()) {
    return;
  }
  auto* const crumb = arena().New<Crumb>(Crumb{nullptr, Copy(value)});
  (first_crumb_ == nullptr ? first_crumb_ : last_crumb_->next) = crumb;
  last_crumb_ = crumb;
}

void FieldSection::JoinCrumbs() {
  constexpr std::string_view kBetween = "; ";
  size_t bytes = 0;
  for (const Crumb* crumb = first_crumb_; crumb != nullptr; crumb = crumb->next) {
    bytes += crumb->value.size() + kBetween.size();
  }
  std::string_view value = first_crumb_ == nullptr ? std::string_view() : first_crumb_->value;
  if (first_crumb_ != last_crumb_) {
    auto* const begin = static_cast<char*>(arena().Allocate(bytes));
    char* out = begin;
    for (const Crumb* crumb = first_crumb_; crumb != nullptr; crumb = crumb->next) {
      out = std::copy(crumb->value.begin(), crumb->value.end(), out);
      out = std::copy(kBetween.begin(), kBetween.end(), out);
    }
    value = {begin, bytes - kBetween.size()};
  }
  AddLine(Known::kCookie, NameOf(Known::kCookie), value, crumb_never_indexed_);
}

Fault FieldSection::Finish() {
  if (crumbs_ != 0 && !failed()) {
    JoinCrumbs();
  }
  return fault_;
}

void FieldSection::Fail(ErrorCode code, const char* reason) {
  if (!failed()) {
    fault_ = {code, reason};
  }
}

void FieldSection::FailMalformed(const char* reason) {
  Fail(MalformedFields(origin_, reason).code, reason);
}

bool FieldSection::is_excessive() const {
  return bytes_ > std::max(kExcess * limits_.max_header_bytes, kLeastExcess);
}

std::string_view FieldSection::Copy(std::string_view text) {
  char* const out = Room(text.size());
  if (!text.empty()) {
    std::memcpy(out, text.data(), text.size());
  }
  return {out, text.size()};
}

// Writes "name: value\r\n".
void FieldSection::AddLine(Known known, std::string_view name, std::string_view value,
                           bool never_indexed) {
  const size_t line_bytes = name.size() + 2 + value.size() + 2;
  char* const line = Room(line_bytes);
  char* out = line;
  std::memcpy(out, name.data(), name.size());
  out += name.size();
  *out++ = ':';
  *out++ = ' ';
  char* const value_at = out;
  if (!value.empty()) {
    std::memcpy(out, value.data(), value.size());
  }
  out += value.size();
  *out++ = '\r';
  *out++ = '\n';
  if (!headers_->AddLine(known, {line, name.size()}, {value_at, value.size()},
                         static_cast<uint32_t>(line_bytes))) [[unlikely]] {
    const Fault fault = TooLargeFields(origin_, "more fields than the limit allows");
    Fail(fault.code, fault.reason);
    return;
  }
  if (never_indexed) {
    headers_->SetNeverIndexed();
  }
}

// Never null, even for none.
char* FieldSection::Room(size_t bytes) {
  if (bytes > room_left_ || room_ == nullptr) {
    const size_t taken = std::max(bytes, kRoom);
    room_ = static_cast<char*>(arena().Allocate(taken));
    room_left_ = taken;
  }
  char* const out = room_;
  room_ += bytes;
  room_left_ -= bytes;
  return out;
}

}  // namespace gatehouse::http

// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/policy_gate.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace gatehouse::filters {
namespace {

using observe::Identity;
using observe::IdentityValue;

// Every request has it, and no condition asks for it.
constexpr uint64_t kAlways = 1;

// What tells the fields of a word apart.
enum class Kind : uint64_t { kSubject, kKind, kFilter, kGroup, kClaim, kAttribute, kPath };

uint64_t Mix(uint64_t hash, uint64_t word) {
  hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
  return hash ^ (hash >> 32);
}

// Its length and both its ends: enough for bits, and quick.
uint64_t Mix(uint64_t hash, std::string_view text) {
  uint64_t begin = 0;
  uint64_t end = 0;
  if (text.size() >= sizeof(begin)) {
    std::memcpy(&begin, text.data(), sizeof(begin));
    std::memcpy(&end, text.data() + text.size() - sizeof(end), sizeof(end));
  } else {
    for (const char c : text) {
      begin = begin << 8 | static_cast<unsigned char>(c);
    }
  }
  return Mix(Mix(hash ^ text.size(), begin), end);
}

// One of 63, and never kAlways.
uint64_t Bit(Kind kind, std::string_view value, std::string_view name = {}) {
  uint64_t hash = Mix(static_cast<uint64_t>(kind) + 1, value);
  if (!name.empty()) {
    hash = Mix(hash, name);
  }
  return uint64_t{2} << ((hash >> 32) * 63 >> 32);
}

std::string_view FirstSegment(std::string_view path) {
  return path.substr(0, path.find('/', std::min<size_t>(path.size(), 1)));
}

// Of two conditions on one word the stricter one counts: a request may meet them by different bits.
void Narrow(uint64_t& word, uint64_t bits) {
  if (std::popcount(bits) < std::popcount(word)) {
    word = bits;
  }
}

}  // namespace

void PolicyGate::NeedsOneOf(const observe::IdentityField& field,
                            std::span<const std::string> values) {
  constexpr std::string_view kClaims = "claims.";
  constexpr std::string_view kAttributes = "attributes.";
  const std::string_view text = field.text();
  const bool claim = text.starts_with(kClaims);
  const bool attribute = text.starts_with(kAttributes);
  const Kind kind = claim               ? Kind::kClaim
                    : attribute         ? Kind::kAttribute
                    : text == "subject" ? Kind::kSubject
                    : text == "kind"    ? Kind::kKind
                    : text == "filter"  ? Kind::kFilter
                                        : Kind::kGroup;
  const std::string_view name = claim       ? text.substr(kClaims.size())
                                : attribute ? text.substr(kAttributes.size())
                                            : std::string_view();
  uint64_t bits = 0;
  for (const std::string& value : values) {
    bits |= Bit(kind, value, name);
  }
  Narrow(claim || attribute ? details : caller, bits);
}

void PolicyGate::NeedsOneOfPaths(std::span<const std::string> paths) {
  uint64_t bits = 0;
  for (const std::string& one : paths) {
    bits |= one.empty() ? kAnything : Bit(Kind::kPath, FirstSegment(one));
  }
  Narrow(path, bits);
}

void PolicyGate::NeedsMethods(uint64_t bits) { Narrow(methods, bits); }

PolicyGate PolicyGate::Of(const http::RequestHead& head, const Identity* identity) {
  PolicyGate out{.caller = kAlways,
                 .details = kAlways,
                 .path = kAlways | Bit(Kind::kPath, FirstSegment(head.path)),
                 .methods = kAlways | MethodBit(head.method)};
  if (identity == nullptr) {
    return out;
  }
  out.caller |= Bit(Kind::kSubject, identity->subject) |
                Bit(Kind::kKind, observe::KindName(identity->kind)) |
                Bit(Kind::kFilter, identity->filter);
  for (const std::string_view group : identity->groups) {
    out.caller |= Bit(Kind::kGroup, group);
  }
  for (const IdentityValue& claim : identity->claims) {
    out.details |= Bit(Kind::kClaim, claim.value, claim.name);
  }
  for (const IdentityValue& attribute : identity->attributes) {
    out.details |= Bit(Kind::kAttribute, attribute.value, attribute.name);
  }
  return out;
}

}  // namespace gatehouse::filters

// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/token_verifier.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "source/base/base64url.h"
#include "source/base/text.h"

namespace gatehouse::filters {
namespace {

// 9999-12-31T23:59:59Z. What is later is a mistake, milliseconds for seconds most likely.
constexpr int64_t kLatestSeconds = 253'402'300'799;

// A NumericDate (RFC 7519 section 2) in milliseconds.
std::optional<int64_t> ParseDate(std::string_view text) {
  if (const std::optional<uint64_t> whole = ParseUint(text)) {
    return *whole <= static_cast<uint64_t>(kLatestSeconds)
               ? std::optional(static_cast<int64_t>(*whole) * 1000)
               : std::nullopt;
  }
  double seconds = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const bool good = error == std::errc() && end == text.data() + text.size() && seconds >= 0 &&
                    seconds <= static_cast<double>(kLatestSeconds);
  return good ? std::optional(static_cast<int64_t>(seconds * 1000)) : std::nullopt;
}

// Decodes `text` into `out`, whose memory is kept.
bool Decode(std::string_view text, std::string& out) {
  out.resize(Base64UrlBytes(text.size()));
  const std::optional<size_t> size = DecodeBase64Url(text, out.data());
  out.resize(size.value_or(0));
  return size.has_value();
}

}  // namespace

TokenVerifier::Outcome TokenVerifier::Verify(std::string_view text, const JwkSet& keys) {
  const uint64_t generation = keys.generation();
  if (TokenRef known = cache_.Find(text, generation)) {
    return {.token = std::move(known), .remembered = true};
  }
  if (generation != generation_) {
    Forget(generation);
  }
  outcome_ = {};
  const std::optional<Parts> parts = Split(text);
  VerifiedToken::Facts facts;
  facts.filter = policy_.filter;
  facts.groups_claim = policy_.groups_claim;
  facts.generation = generation;
  if (!parts || !CheckSignature(text, *parts, keys)) {
    return std::move(outcome_);
  }
  if (!Decode(parts->payload, decoded_) || !json_.Parse(decoded_)) {
    Refuse("has claims that are not a JSON object");
    return std::move(outcome_);
  }
  if (CheckIssuerAndAudience() && ReadTimes(facts) && ReadSubject(facts)) {
    outcome_.token = VerifiedToken::Make(text, json_, facts);
    cache_.Add(outcome_.token);
  }
  return std::move(outcome_);
}

std::optional<TokenVerifier::Parts> TokenVerifier::Split(std::string_view text) {
  if (text.size() > policy_.max_token_bytes) {
    Refuse("is too long");
    return std::nullopt;
  }
  const size_t first = text.find('.');
  const size_t second = first == std::string_view::npos ? first : text.find('.', first + 1);
  if (second == std::string_view::npos) {
    Refuse("is not a JWT");
    return std::nullopt;
  }
  if (const size_t dots = static_cast<size_t>(std::count(text.begin(), text.end(), '.'));
      dots != 2) {
    Refuse(dots == 4 ? "is encrypted, which is not supported" : "is not a JWT");
    return std::nullopt;
  }
  Parts parts{text.substr(0, first), text.substr(first + 1, second - first - 1),
              text.substr(second + 1), text.substr(0, second)};
  if (parts.header.empty() || parts.payload.empty()) {
    Refuse("is not a JWT");
    return std::nullopt;
  }
  if (parts.signature.empty()) {
    Refuse("is not signed");
    return std::nullopt;
  }
  if (!Decode(parts.signature, signature_)) {
    Refuse("is not base64url");
    return std::nullopt;
  }
  return parts;
}

std::optional<TokenVerifier::Header> TokenVerifier::ReadHeader(std::string_view encoded) {
  if (!Decode(encoded, decoded_)) {
    Refuse("is not base64url");
    return std::nullopt;
  }
  if (!json_.Parse(decoded_)) {
    Refuse("has a header that is not a JSON object");
    return std::nullopt;
  }
  // RFC 7515 section 4.1.11, RFC 7797: what must be understood and is not. Compressed or encrypted
  // payloads are none that we would read.
  for (const std::string_view name : {"crit", "b64", "zip", "enc"}) {
    if (json_.Find(name) != nullptr) {
      Refuse("has a header that asks for what is not supported");
      return std::nullopt;
    }
  }
  Header out;
  const FlatJson::Member* const algorithm = json_.Find("alg");
  const FlatJson::Member* const id = json_.Find("kid");
  const auto parsed = algorithm != nullptr && algorithm->kind == JsonKind::kString
                          ? ParseJwsAlgorithm(algorithm->value)
                          : std::nullopt;
  if (!parsed) {
    Refuse("is not signed with an algorithm that is accepted");
    return std::nullopt;
  }
  out.algorithm = *parsed;
  if (id != nullptr && id->kind != JsonKind::kString) {
    Refuse("has a header whose kid is not a text");
    return std::nullopt;
  }
  if (id != nullptr) {
    out.key_id = id->value;
  }
  return out;
}

bool TokenVerifier::CheckSignature(std::string_view text, const Parts& parts, const JwkSet& keys) {
  for (const KnownHeader& known : headers_) {
    if (known.text == parts.header) {
      return CheckWith(known.algorithm, known.key, text, parts, keys) ||
             Refuse("has a bad signature");
    }
  }
  const std::optional<Header> header = ReadHeader(parts.header);
  if (!header) {
    return false;
  }
  const JwkSet::Match match = keys.Find(header->algorithm, header->key_id);
  if (match.keys.empty() && match.id_known) {
    return Refuse("is not signed with an algorithm that is accepted");
  }
  const auto good = std::find_if(match.keys.begin(), match.keys.end(), [&](size_t key) {
    return CheckWith(header->algorithm, key, text, parts, keys);
  });
  if (good == match.keys.end() && !match.id_known) {
    outcome_.unknown_key = true;
    return Refuse("is signed with an unknown key");
  }
  if (good == match.keys.end()) {
    return Refuse("has a bad signature");
  }
  if (match.keys.size() == 1 && match.id_known) {
    headers_.resize(std::max(headers_.size(), next_header_ + 1));
    headers_[next_header_] = {std::string(parts.header), header->algorithm, *good};
    next_header_ = (next_header_ + 1) % kKnownHeaders;
  }
  return true;
}

bool TokenVerifier::CheckWith(JwsAlgorithm algorithm, size_t key, std::string_view text,
                              const Parts& parts, const JwkSet& keys) {
  return JwsAlgorithms::Symmetric().Has(algorithm)
             ? CheckMac(algorithm, key, parts, keys)
             : keys.keys()[key].Verify(algorithm, text, signature_.size());
}

bool TokenVerifier::CheckMac(JwsAlgorithm algorithm, size_t key, const Parts& parts,
                             const JwkSet& keys) {
  macs_.resize(std::max(macs_.size(), key + 1));
  const auto hash = static_cast<size_t>(algorithm) - static_cast<size_t>(JwsAlgorithm::kHs256);
  std::optional<Hmac>& mac = macs_[key].by_hash[hash];
  if (!mac) {
    mac.emplace(static_cast<Hmac::Hash>(hash), keys.keys()[key].secret());
  }
  return mac->Verify(parts.signed_text, signature_);
}

bool TokenVerifier::CheckIssuerAndAudience() {
  const FlatJson::Member* const issuer = json_.Find("iss");
  if (issuer == nullptr || issuer->kind != JsonKind::kString || issuer->value != policy_.issuer) {
    return Refuse("is from another issuer");
  }
  const bool meant =
      std::any_of(json_.values().begin(), json_.values().end(), [&](const FlatJson::Value& value) {
        return value.top && value.kind == JsonKind::kString && value.name == "aud" &&
               std::find(policy_.audiences.begin(), policy_.audiences.end(), value.value) !=
                   policy_.audiences.end();
      });
  return meant || Refuse("is for another audience");
}

bool TokenVerifier::ReadTimes(VerifiedToken::Facts& facts) {
  int64_t issued = 0;
  if (policy_.require_exp && json_.Find("exp") == nullptr) {
    return Refuse("has no exp");
  }
  return ReadTime("exp", facts.expires_ms) && ReadTime("nbf", facts.not_before_ms) &&
         ReadTime("iat", issued);
}

bool TokenVerifier::ReadTime(std::string_view name, int64_t& out_ms) {
  const FlatJson::Member* const claim = json_.Find(name);
  if (claim == nullptr) {
    return true;
  }
  const auto date = claim->kind == JsonKind::kNumber ? ParseDate(claim->value) : std::nullopt;
  if (!date) {
    return Refuse("has an exp, nbf or iat that is not a date");
  }
  out_ms = *date;
  return true;
}

bool TokenVerifier::ReadSubject(VerifiedToken::Facts& facts) {
  size_t found = 0;
  for (const FlatJson::Value& value : json_.values()) {
    if (value.name != policy_.subject_claim) {
      continue;
    }
    const bool good = !value.listed && !value.value.empty() &&
                      (value.kind == JsonKind::kString || value.kind == JsonKind::kNumber);
    found += good ? 1 : 2;
    facts.subject = value.value;
  }
  return found == 1 || Refuse("does not say who its subject is");
}

void TokenVerifier::Forget(uint64_t generation) {
  generation_ = generation;
  headers_.clear();
  next_header_ = 0;
  macs_.clear();
}

}  // namespace gatehouse::filters

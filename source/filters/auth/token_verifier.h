// SPDX-License-Identifier: Apache-2.0
// Verifies tokens (JWS in compact form, RFC 7515 section 7.1, with claims, RFC 7519) for one
// worker, and remembers those that are good.
//
// Nothing is taken from a token but which of our keys and algorithms it claims to be signed with:
// the key decides what it may verify. Claims are read only of what is signed. What changes with
// time (exp, nbf) or from route to route (`require`) is not decided here but at every request.
//
// A remembered token costs a hash of 32 bytes and a comparison of all. A new one with HS256 costs
// 2 µs: HMAC is OpenSSL's with contexts made once a key (base/hmac.h), the header, which is the
// same for all tokens of an issuer, is remembered by itself, and the claims are read once.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/base/hmac.h"
#include "source/filters/auth/flat_json.h"
#include "source/filters/auth/jwk_set.h"
#include "source/filters/auth/token_cache.h"
#include "source/filters/auth/verified_token.h"

namespace gatehouse::filters {

// What makes a token good, besides its signature.
struct TokenPolicy {
  std::string filter;  // The filter's name, for identities.
  std::string issuer;
  std::vector<std::string> audiences;  // One of these.
  std::string subject_claim = "sub";
  std::string groups_claim = "groups";
  bool require_exp = true;
  size_t max_token_bytes = 8192;
};

// One worker's.
class TokenVerifier {
 public:
  // `policy` outlives this and every token that it makes.
  TokenVerifier(const TokenPolicy& policy, size_t cache_bytes)
      : policy_(policy), cache_(cache_bytes) {}

  struct Outcome {
    TokenRef token;          // Null: it is refused.
    std::string_view why{};  // A phrase about the token, with nothing of it: "has a bad signature".
    bool remembered = false;
    bool unknown_key = false;  // It names a key that `keys` do not have.
  };
  // What another generation of keys has verified is verified anew.
  Outcome Verify(std::string_view text, const JwkSet& keys);

  const TokenCache& cache() const { return cache_; }

 private:
  // The parts of the text, and what they decode to.
  struct Parts {
    std::string_view header;
    std::string_view payload;
    std::string_view signature;
    std::string_view signed_text;  // Header and payload.
  };
  struct Header {
    JwsAlgorithm algorithm = JwsAlgorithm::kHs256;
    std::optional<std::string_view> key_id;
  };
  struct KnownHeader {
    std::string text;
    JwsAlgorithm algorithm;
    size_t key;
  };
  struct Macs {
    std::array<std::optional<Hmac>, 3> by_hash;
  };
  static constexpr size_t kKnownHeaders = 16;

  std::optional<Parts> Split(std::string_view text);
  std::optional<Header> ReadHeader(std::string_view encoded);
  // Whether a key of `keys` signed it. Needs signature_.
  bool CheckSignature(std::string_view text, const Parts& parts, const JwkSet& keys);
  bool CheckWith(JwsAlgorithm algorithm, size_t key, std::string_view text, const Parts& parts,
                 const JwkSet& keys);
  bool CheckMac(JwsAlgorithm algorithm, size_t key, const Parts& parts, const JwkSet& keys);
  bool CheckIssuerAndAudience();
  bool ReadTimes(VerifiedToken::Facts& facts);
  bool ReadTime(std::string_view name, int64_t& out_ms);
  bool ReadSubject(VerifiedToken::Facts& facts);
  void Forget(uint64_t generation);
  bool Refuse(std::string_view why) {
    outcome_.why = why;
    return false;
  }

  const TokenPolicy& policy_;
  TokenCache cache_;
  uint64_t generation_ = 0;
  std::vector<KnownHeader>
      headers_;  // Only of tokens that were signed, with the one key they name.
  size_t next_header_ = 0;
  std::vector<Macs> macs_;  // By key.
  // Of the token at hand; kept for their memory.
  Outcome outcome_;
  FlatJson json_;
  std::string decoded_;
  std::string signature_;
};

}  // namespace gatehouse::filters

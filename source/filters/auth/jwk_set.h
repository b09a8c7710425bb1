// SPDX-License-Identifier: Apache-2.0
// The keys of an issuer (JWKS, RFC 7517 section 5).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "source/base/error.h"
#include "source/filters/auth/jwk.h"
#include "source/filters/auth/jws_algorithm.h"

namespace gatehouse::filters {

// Immutable; any thread.
class JwkSet {
 public:
  static constexpr size_t kMaxKeys = 100;
  static constexpr size_t kMaxTextBytes = 256 * 1024;
  // Of keys that are tried for one token that doesn't say which.
  static constexpr size_t kMaxTried = 8;

  struct Rules {
    // What tokens may be signed with; nothing: what the keys allow, and HS* only when no key of the
    // set is public. A public key is known to everybody, and must never be taken for a secret.
    std::optional<JwsAlgorithms> algorithms;
    // Whether there may be secrets: not in what is fetched.
    bool secrets = true;
  };

  // Keys that can't be used are passed over, see passed_over(); a set without any that can is an
  // error. `generation` is another number for each set of an issuer.
  static Result<std::shared_ptr<const JwkSet>> Parse(std::string text, const Rules& rules,
                                                     uint64_t generation = 1);

  const std::vector<Jwk>& keys() const { return keys_; }
  // Why keys are not used: `key 2 ("2024-01"): its `use` is not "sig"`.
  const std::vector<std::string>& passed_over() const { return passed_over_; }
  // What it was made from.
  const std::string& text() const { return text_; }
  // What these keys have verified holds as long as this number is the newest.
  uint64_t generation() const { return generation_; }

  // The keys that a token may be signed with by its header (RFC 7515 section 6).
  struct Match {
    std::vector<size_t> keys;  // Indices into keys(), at most kMaxTried.
    bool id_known = true;      // False: the set has no key of that very name.
  };
  // `id`: of the header's `kid`; nothing: it has none. Keys without a name go with any, and make
  // none known: the key that was meant may be yet to come.
  Match Find(JwsAlgorithm algorithm, std::optional<std::string_view> id) const;

 private:
  JwkSet() = default;

  std::vector<Jwk> keys_;
  std::vector<std::string> passed_over_;
  std::string text_;
  uint64_t generation_ = 0;
};

}  // namespace gatehouse::filters

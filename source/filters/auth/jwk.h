// SPDX-License-Identifier: Apache-2.0
// One key that verifies tokens (RFC 7517), and what it may verify.
//
// librhonabwy verifies all that is asymmetric. It is handed the public parameters of a key and
// nothing else of it, and never follows an URL: `x5u`, `x5c`, `jku` are not looked at. Secrets stay
// here, for base/hmac.h: in this library an HS256 token costs 8.6 µs.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "source/base/error.h"
#include "source/filters/auth/jws_algorithm.h"

struct json_t;

namespace gatehouse::filters {

struct JoseLibrary;

// Immutable; any thread, several at a time.
class Jwk {
 public:
  // Of one element of a JWKS. The error is what makes the key unusable, for operators.
  static Result<Jwk> Import(const json_t* key);

  Jwk(Jwk&&) noexcept;
  Jwk& operator=(Jwk&&) noexcept;
  ~Jwk();

  // Empty: the key has none.
  const std::string& id() const { return id_; }
  // What it may verify: by its type, curve and size, and by its `alg` when it has one. Not empty.
  JwsAlgorithms algorithms() const { return algorithms_; }
  // Takes some of them away; what is left may be empty.
  void Restrict(JwsAlgorithms to) { algorithms_ = algorithms_ & to; }
  // The key of HS256, HS384, HS512; empty of others.
  const std::string& secret() const { return secret_; }

  // Whether `token`, a whole one in compact form (RFC 7515 section 7.1), is signed with
  // `algorithm` by the owner of this key. `signature_bytes`: how long its signature is when
  // decoded. REQUIRES: algorithms().Has(algorithm), which is what the token's header names; not
  // HS*.
  bool Verify(JwsAlgorithm algorithm, std::string_view token, size_t signature_bytes) const;

 private:
  struct Free {
    void operator()(json_t* key) const;
  };
  using Handle = std::unique_ptr<json_t, Free>;

  Jwk() = default;
  Result<void> ImportType(const json_t* key);
  Result<void> ImportSecret(const json_t* key);
  Result<void> ImportRsa(const json_t* key);
  Result<void> ImportCurve(const json_t* key, std::string_view type);
  Result<void> ImportParameters(const json_t* key);

  std::string id_;
  JwsAlgorithms algorithms_;
  std::string secret_;
  const JoseLibrary* jose_ = nullptr;  // Of a public key.
  Handle public_;
  size_t signature_bytes_ = 0;  // Of every signature by this key.
};

}  // namespace gatehouse::filters

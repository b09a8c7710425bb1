// SPDX-License-Identifier: Apache-2.0
// The signature algorithms of tokens (RFC 7518 section 3.1, RFC 8037). `none` is not one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace gatehouse::filters {

enum class JwsAlgorithm : uint8_t {
  kHs256,
  kHs384,
  kHs512,
  kRs256,
  kRs384,
  kRs512,
  kPs256,
  kPs384,
  kPs512,
  kEs256,
  kEs384,
  kEs512,
  kEdDsa,
};
inline constexpr size_t kJwsAlgorithms = 13;

inline constexpr std::string_view kJwsAlgorithmNames[kJwsAlgorithms] = {
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256",
    "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"};

constexpr std::string_view NameOf(JwsAlgorithm algorithm) {
  return kJwsAlgorithmNames[static_cast<size_t>(algorithm)];
}
// Names count as they are written: there is no "hs256".
constexpr std::optional<JwsAlgorithm> ParseJwsAlgorithm(std::string_view name) {
  for (size_t i = 0; i < kJwsAlgorithms; ++i) {
    if (kJwsAlgorithmNames[i] == name) {
      return static_cast<JwsAlgorithm>(i);
    }
  }
  return std::nullopt;
}

class JwsAlgorithms {
 public:
  constexpr JwsAlgorithms() = default;
  static constexpr JwsAlgorithms All() { return JwsAlgorithms((1U << kJwsAlgorithms) - 1); }
  // HS256, HS384, HS512: what signs with the key that verifies.
  static constexpr JwsAlgorithms Symmetric() { return JwsAlgorithms(7); }

  constexpr void Add(JwsAlgorithm one) { bits_ |= 1U << static_cast<unsigned>(one); }
  constexpr bool Has(JwsAlgorithm one) const {
    return (bits_ >> static_cast<unsigned>(one) & 1) != 0;
  }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr JwsAlgorithms operator&(JwsAlgorithms other) const {
    return JwsAlgorithms(bits_ & other.bits_);
  }
  constexpr JwsAlgorithms Without(JwsAlgorithms other) const {
    return JwsAlgorithms(bits_ & ~other.bits_);
  }
  friend constexpr bool operator==(JwsAlgorithms, JwsAlgorithms) = default;

 private:
  constexpr explicit JwsAlgorithms(uint32_t bits) : bits_(bits) {}
  uint32_t bits_ = 0;
};

}  // namespace gatehouse::filters

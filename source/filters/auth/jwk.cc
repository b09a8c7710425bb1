// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/jwk.h"

#include <jansson.h>

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "source/base/base64url.h"
#include "source/base/check.h"
#include "source/filters/auth/jose_library.h"

namespace gatehouse::filters {
namespace {

// RFC 7518 sections 3.3 and 3.5: "a key of size 2048 bits or larger". What is larger than the other
// limit costs milliseconds a token.
constexpr size_t kMinRsaBytes = 256;
constexpr size_t kMaxRsaBytes = 1024;

tl::unexpected<Error> Unusable(std::string why) {
  return Fail(ErrorCode::kInvalidConfig, ErrorSource::kUpstream, std::move(why));
}

std::string_view Text(const json_t* value) {
  return json_is_string(value)
             ? std::string_view(json_string_value(value), json_string_length(value))
             : std::string_view();
}

// Keys come from elsewhere: what is said of them goes into logs.
std::string Quoted(std::string_view text) {
  constexpr size_t kLongest = 64;
  return "\"" + std::string(text.substr(0, kLongest)) + (text.size() > kLongest ? "…\"" : "\"");
}

JwsAlgorithms Of(std::initializer_list<JwsAlgorithm> list) {
  JwsAlgorithms out;
  for (const JwsAlgorithm one : list) {
    out.Add(one);
  }
  return out;
}

struct Curve {
  std::string_view type;
  std::string_view name;
  JwsAlgorithm algorithm;
  size_t coordinate_bytes;
};
constexpr Curve kCurves[] = {
    {"EC", "P-256", JwsAlgorithm::kEs256, 32},
    {"EC", "P-384", JwsAlgorithm::kEs384, 48},
    {"EC", "P-521", JwsAlgorithm::kEs512, 66},
    {"OKP", "Ed25519", JwsAlgorithm::kEdDsa, 32},
};

const Curve* FindCurve(std::string_view type, std::string_view name) {
  for (const Curve& curve : kCurves) {
    if (curve.type == type && curve.name == name) {
      return &curve;
    }
  }
  return nullptr;
}

// Of a number, highest byte first.
size_t SignificantBytes(std::string_view number) {
  return number.size() - std::min(number.find_first_not_of('\0'), number.size());
}

// RFC 7517 section 4.2 and 4.3: a key for encryption must not verify.
Result<void> CheckUse(const json_t* key) {
  const json_t* const use = json_object_get(key, "use");
  if (use != nullptr && Text(use) != "sig") {
    return Unusable("its `use` is not \"sig\"");
  }
  const json_t* const operations = json_object_get(key, "key_ops");
  if (operations == nullptr) {
    return {};
  }
  for (size_t i = 0; i < json_array_size(operations); ++i) {
    if (Text(json_array_get(operations, i)) == "verify") {
      return {};
    }
  }
  return Unusable("its `key_ops` have no \"verify\"");
}

}  // namespace

void Jwk::Free::operator()(json_t* key) const { json_decref(key); }

Jwk::Jwk(Jwk&&) noexcept = default;
Jwk& Jwk::operator=(Jwk&&) noexcept = default;
Jwk::~Jwk() = default;

Result<Jwk> Jwk::Import(const json_t* key) {
  if (!json_is_object(key)) {
    return Unusable("it is not an object");
  }
  const json_t* const id = json_object_get(key, "kid");
  if (id != nullptr && !json_is_string(id)) {
    return Unusable("its `kid` is not a text");
  }
  if (const Result<void> use = CheckUse(key); !use) {
    return tl::unexpected(use.error());
  }
  Jwk out;
  out.id_ = Text(id);
  if (const Result<void> imported = out.ImportType(key); !imported) {
    return tl::unexpected(imported.error());
  }
  if (const json_t* const named = json_object_get(key, "alg")) {
    const auto algorithm = ParseJwsAlgorithm(Text(named));
    if (!algorithm) {
      return Unusable("its `alg` " + Quoted(Text(named)) +
                      " is not one that tokens are verified by");
    }
    if (!out.algorithms_.Has(*algorithm)) {
      return Unusable("its `alg` " + std::string(NameOf(*algorithm)) +
                      " does not go with its type, its curve or its size");
    }
    out.algorithms_ = Of({*algorithm});
  }
  return out;
}

Result<void> Jwk::ImportType(const json_t* key) {
  const std::string_view type = Text(json_object_get(key, "kty"));
  if (type == "oct") {
    return ImportSecret(key);
  }
  if (type == "RSA") {
    return ImportRsa(key);
  }
  if (type == "EC" || type == "OKP") {
    return ImportCurve(key, type);
  }
  return Unusable("its `kty` " + Quoted(type) + " is not one of oct, RSA, EC, OKP");
}

// RFC 7518 section 3.2: the key is at least as long as the hash.
Result<void> Jwk::ImportSecret(const json_t* key) {
  const auto secret = DecodeBase64Url(Text(json_object_get(key, "k")));
  if (!secret || secret->empty()) {
    return Unusable("its `k` is not base64url");
  }
  if (secret->size() < 32) {
    return Unusable("it has " + std::to_string(secret->size()) +
                    " bytes; HS256 needs 32, HS384 48, HS512 64");
  }
  secret_ = *secret;
  algorithms_.Add(JwsAlgorithm::kHs256);
  if (secret_.size() >= 48) {
    algorithms_.Add(JwsAlgorithm::kHs384);
  }
  if (secret_.size() >= 64) {
    algorithms_.Add(JwsAlgorithm::kHs512);
  }
  return {};
}

Result<void> Jwk::ImportRsa(const json_t* key) {
  const auto modulus = DecodeBase64Url(Text(json_object_get(key, "n")));
  const auto exponent = DecodeBase64Url(Text(json_object_get(key, "e")));
  if (!modulus || !exponent) {
    return Unusable("its `n` or its `e` is not base64url");
  }
  const size_t bytes = SignificantBytes(*modulus);
  if (bytes < kMinRsaBytes || bytes > kMaxRsaBytes) {
    return Unusable("it has " + std::to_string(bytes * 8) + " bits; RSA keys need 2048 to 8192");
  }
  const size_t exponent_bytes = SignificantBytes(*exponent);
  const bool odd = !exponent->empty() && (exponent->back() & 1) != 0;
  if (!odd || exponent_bytes > 8 || (exponent_bytes == 1 && exponent->back() == 1)) {
    return Unusable("its `e` is not a public exponent");
  }
  signature_bytes_ = bytes;
  algorithms_ = Of({JwsAlgorithm::kRs256, JwsAlgorithm::kRs384, JwsAlgorithm::kRs512,
                    JwsAlgorithm::kPs256, JwsAlgorithm::kPs384, JwsAlgorithm::kPs512});
  return ImportParameters(key);
}

Result<void> Jwk::ImportCurve(const json_t* key, std::string_view type) {
  const std::string_view name = Text(json_object_get(key, "crv"));
  const Curve* const curve = FindCurve(type, name);
  if (curve == nullptr) {
    return Unusable("its `crv` " + Quoted(name) +
                    " is not one of P-256, P-384, P-521 (EC), Ed25519 (OKP)");
  }
  for (const char* coordinate : {"x", "y"}) {
    if (*coordinate == 'y' && type == "OKP") {
      continue;
    }
    const auto bytes = DecodeBase64Url(Text(json_object_get(key, coordinate)));
    if (!bytes || bytes->size() != curve->coordinate_bytes) {
      return Unusable(std::string("its `") + coordinate + "` is not " +
                      std::to_string(curve->coordinate_bytes) + " bytes in base64url");
    }
  }
  signature_bytes_ = 2 * curve->coordinate_bytes;
  algorithms_ = Of({curve->algorithm});
  return ImportParameters(key);
}

// What is public of the key becomes one of the library's, which must be able to use it. Copies: the
// counts of the text's objects are not ours to change.
Result<void> Jwk::ImportParameters(const json_t* key) {
  jose_ = JoseLibrary::Get();
  if (jose_ == nullptr) {
    return Unusable("librhonabwy, which public keys need, can't be loaded");
  }
  jwk_t* made = nullptr;
  GATEHOUSE_CHECK(jose_->jwk_init(&made) == RHN_OK, "out of memory");
  public_.reset(made);
  for (const char* name : {"kty", "n", "e", "crv", "x", "y"}) {
    if (const json_t* const value = json_object_get(key, name)) {
      json_object_set_new(made, name, json_deep_copy(value));
    }
  }
  unsigned char der[4096];
  size_t size = sizeof(der);
  if (jose_->jwk_is_valid(made) != RHN_OK ||
      jose_->jwk_export_to_pem_der(made, R_FORMAT_DER, der, &size, R_FLAG_IGNORE_REMOTE) !=
          RHN_OK) {
    return Unusable("its parameters make no public key");
  }
  return {};
}

bool Jwk::Verify(JwsAlgorithm algorithm, std::string_view token, size_t signature_bytes) const {
  GATEHOUSE_CHECK(public_ != nullptr && algorithms_.Has(algorithm),
                  "the key is for something else");
  if (signature_bytes != signature_bytes_) {
    return false;
  }
  jws_t* jws = nullptr;
  if (jose_->jws_init(&jws) != RHN_OK) {
    return false;
  }
  const bool good =
      jose_->jws_advanced_compact_parsen(jws, token.data(), token.size(), R_PARSE_NONE,
                                         R_FLAG_IGNORE_REMOTE) == RHN_OK &&
      jose_->jws_get_alg(jws) == jose_->str_to_jwa_alg(NameOf(algorithm).data()) &&
      jose_->jws_verify_signature(jws, public_.get(), R_FLAG_IGNORE_REMOTE) == RHN_OK;
  jose_->jws_free(jws);
  return good;
}

}  // namespace gatehouse::filters

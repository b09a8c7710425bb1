// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/password_hash.h"

#include <apr-1.0/apr_md5.h>
#include <crypt.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "source/base/digest.h"
#include "source/base/text.h"

namespace gatehouse::filters {
namespace {

constexpr std::string_view kApr1 = "$apr1$";
constexpr std::string_view kSha1 = "{SHA}";
constexpr std::string_view kRounds = "rounds=";

auto Wrong(std::string message) {
  return Fail(ErrorCode::kInvalidConfig, ErrorSource::kConfig, std::move(message));
}

// The alphabet of crypt(3).
bool IsHash64(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const char lower = ToLower(c);
    return (lower >= 'a' && lower <= 'z') || IsDigit(c) || c == '.' || c == '/';
  });
}

bool IsBase64(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const char lower = ToLower(c);
    return (lower >= 'a' && lower <= 'z') || IsDigit(c) || c == '+' || c == '/';
  });
}

// What stands before the next '$', which is taken away too; nothing when there is none.
std::optional<std::string_view> TakeField(std::string_view& text) {
  const size_t end = text.find('$');
  if (end == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view field = text.substr(0, end);
  text.remove_prefix(end + 1);
  return field;
}

bool IsSalt(const std::optional<std::string_view>& salt, size_t longest) {
  return salt && !salt->empty() && salt->size() <= longest && IsHash64(*salt);
}

Result<PasswordScheme> CheckBcrypt(std::string_view hash) {
  const std::string_view rest = hash.substr(4);
  const auto cost = ParseUint(rest.substr(0, 2));
  const bool formed = rest.size() == 2 + 1 + 53 && cost && rest[2] == '$' &&
                      IsHash64(rest.substr(3)) && *cost >= 4 && *cost <= 31;
  if (!formed) {
    return Wrong("the bcrypt hash is malformed");
  }
  if (*cost > kMaxBcryptCost) {
    return Wrong("a bcrypt cost of " + std::to_string(*cost) +
                 " makes each login take too long; at most " + std::to_string(kMaxBcryptCost));
  }
  return PasswordScheme::kBcrypt;
}

// $5$ and $6$, with or without "rounds=N$".
Result<PasswordScheme> CheckShaCrypt(std::string_view hash, PasswordScheme scheme) {
  const size_t digits = scheme == PasswordScheme::kSha256Crypt ? 43 : 86;
  std::string_view rest = hash.substr(3);
  if (rest.starts_with(kRounds)) {
    const auto field = TakeField(rest);
    const auto rounds = field ? ParseUint(field->substr(kRounds.size())) : std::nullopt;
    if (!rounds || *rounds < 1000) {
      return Wrong("the SHA-crypt hash is malformed");
    }
    if (*rounds > kMaxCryptRounds) {
      return Wrong(std::to_string(*rounds) + " rounds make each login take too long; at most " +
                   std::to_string(kMaxCryptRounds));
    }
  }
  if (!IsSalt(TakeField(rest), 16) || rest.size() != digits || !IsHash64(rest)) {
    return Wrong("the SHA-crypt hash is malformed");
  }
  return scheme;
}

Result<PasswordScheme> CheckApr1(std::string_view hash) {
  std::string_view rest = hash.substr(kApr1.size());
  if (!IsSalt(TakeField(rest), 8) || rest.size() != 22 || !IsHash64(rest)) {
    return Wrong("the apr1 hash is malformed");
  }
  return PasswordScheme::kApr1;
}

// Twenty bytes in base64: 27 digits, of whose last one two bits are not used, and one "=".
Result<PasswordScheme> CheckSha1(std::string_view hash) {
  const std::string_view rest = hash.substr(kSha1.size());
  if (rest.size() != 28 || rest.back() != '=' || !IsBase64(rest.substr(0, 27)) ||
      std::string_view("AEIMQUYcgkosw048").find(rest[26]) == std::string_view::npos) {
    return Wrong("the {SHA} hash is malformed");
  }
  return PasswordScheme::kSha1;
}

bool SameBytes(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) {
    return false;
  }
  unsigned char difference = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  }
  return difference == 0;
}

}  // namespace

Result<PasswordScheme> CheckPasswordHash(std::string_view hash) {
  for (const std::string_view bcrypt : {"$2y$", "$2a$", "$2b$"}) {
    if (hash.starts_with(bcrypt)) {
      return CheckBcrypt(hash);
    }
  }
  if (hash.starts_with("$5$")) {
    return CheckShaCrypt(hash, PasswordScheme::kSha256Crypt);
  }
  if (hash.starts_with("$6$")) {
    return CheckShaCrypt(hash, PasswordScheme::kSha512Crypt);
  }
  if (hash.starts_with(kApr1)) {
    return CheckApr1(hash);
  }
  if (hash.starts_with(kSha1)) {
    return CheckSha1(hash);
  }
  return Wrong(hash.empty()
                   ? "there is no password hash; `htpasswd -B` makes one"
                   : "this is not a password hash of bcrypt, apr1, {SHA}, $5$ or $6$ but a "
                     "password in clear text, crypt(3)'s DES or another scheme; "
                     "`htpasswd -B` makes one");
}

bool PasswordMatches(const std::string& password, const std::string& hash) {
  if (password.size() > kMaxPasswordBytes) {
    return false;
  }
  if (hash.starts_with(kSha1)) {
    return SameBytes(Sha1Base64(password), std::string_view(hash).substr(kSha1.size()));
  }
  if (hash.starts_with(kApr1)) {
    std::array<char, 120> out;  // As APR's own buffers have it.
    const bool made =
        apr_md5_encode(password.c_str(), hash.c_str(), out.data(), out.size()) == APR_SUCCESS;
    return made && SameBytes(out.data(), hash);
  }
  // 32 KiB: too much for some stacks.
  const auto work = std::make_unique<crypt_data>();
  const char* const out = crypt_rn(password.c_str(), hash.c_str(), work.get(), sizeof(crypt_data));
  const bool same = out != nullptr && SameBytes(out, hash);
  explicit_bzero(work.get(), sizeof(crypt_data));
  return same;
}

}  // namespace gatehouse::filters

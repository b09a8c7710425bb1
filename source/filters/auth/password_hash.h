// SPDX-License-Identifier: Apache-2.0
// Stored passwords, as `htpasswd` writes them: bcrypt ($2y$, $2a$, $2b$), apr1 ($apr1$), {SHA}, and
// crypt(3)'s SHA-256 ($5$) and SHA-512 ($6$). The only place that knows libcrypt and APR.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "source/base/error.h"

namespace gatehouse::filters {

enum class PasswordScheme : uint8_t { kBcrypt, kApr1, kSha1, kSha256Crypt, kSha512Crypt };

// Past these a single login would hold a thread for more than about a second.
inline constexpr int kMaxBcryptCost = 14;
inline constexpr uint64_t kMaxCryptRounds = 1'000'000;
// Longer passwords are never right.
inline constexpr size_t kMaxPasswordBytes = 511;

// The scheme of a whole, well-formed hash. The error says what is wrong and never quotes the hash,
// which may be a password in clear text.
Result<PasswordScheme> CheckPasswordHash(std::string_view hash);

// Whether `hash`, which was checked, is that of `password`. Takes what its scheme was made to take:
// milliseconds to a second. Any thread. Like all of bcrypt, it looks at 72 bytes.
bool PasswordMatches(const std::string& password, const std::string& hash);

}  // namespace gatehouse::filters

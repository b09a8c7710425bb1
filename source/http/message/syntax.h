// SPDX-License-Identifier: Apache-2.0
// The grammar's classes of bytes, and how a parser says that something breaks it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "source/base/error.h"

namespace gatehouse::http {

// Why a message can't be taken; converts to false when it can. `reason` is a literal.
struct Fault {
  ErrorCode code = ErrorCode::kNone;
  const char* reason = "";

  explicit operator bool() const { return code != ErrorCode::kNone; }
  Error ToError(ErrorSource source) const { return {code, source, reason}; }
};

inline constexpr uint8_t kTokenByte = 1;       // tchar, RFC 9110 section 5.6.2.
inline constexpr uint8_t kTargetByte = 2;      // What a request-target may hold, see below.
inline constexpr uint8_t kUnderscoreByte = 4;  // '_', which some servers take for '-' in names.
inline constexpr uint8_t kUpperByte = 8;       // 'A' to 'Z': in no name of HTTP/2.

constexpr std::array<uint8_t, 256> MakeByteClasses() {
  std::array<uint8_t, 256> classes{};
  for (int c = 0x21; c < 0x7f; ++c) {
    // RFC 3986 knows no fragment in a request-target. Of what else it excludes, '"<>\^`{|}' are
    // common in practice and harmless; the path rules look at '\' and '%'.
    classes[c] = c == '#' ? 0 : kTargetByte;
  }
  for (const char c : std::string_view("!#$%&'*+-.^_`|~"
                                       "0123456789"
                                       "abcdefghijklmnopqrstuvwxyz"
                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ")) {
    classes[static_cast<unsigned char>(c)] |= kTokenByte;
  }
  classes['_'] |= kUnderscoreByte;
  for (int c = 'A'; c <= 'Z'; ++c) {
    classes[c] |= kUpperByte;
  }
  return classes;
}
inline constexpr std::array<uint8_t, 256> kByteClasses = MakeByteClasses();

inline uint8_t ByteClass(char c) { return kByteClasses[static_cast<unsigned char>(c)]; }

// Whether `text` is not empty and every byte is of `byte_class`.
inline bool AllOf(std::string_view text, uint8_t byte_class) {
  uint8_t common = byte_class;
  for (const char c : text) {
    common &= ByteClass(c);
  }
  return !text.empty() && common != 0;
}

inline bool IsToken(std::string_view text) { return AllOf(text, kTokenByte); }

}  // namespace gatehouse::http

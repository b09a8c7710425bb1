// SPDX-License-Identifier: Apache-2.0
#include "source/http/h1/head_scanner.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <bit>
#include <cstdint>

namespace gatehouse::http {
namespace {

bool IsControl(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && byte != '\t') || byte == 0x7f;
}

#ifdef __SSE2__
constexpr ptrdiff_t kBlock = 16;

// One bit for each of the 16 bytes at `p`, set for control characters.
inline uint32_t ControlMask(const char* p) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m128i below_space = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
  const __m128i tab = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t'));
  const __m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
  return _mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(tab, below_space), del));
}

inline const char* NextControl(const char* p, const char* end) {
  while (end - p >= kBlock) {
    if (const uint32_t mask = ControlMask(p); mask != 0) {
      return p + std::countr_zero(mask);
    }
    p += kBlock;
  }
  while (p != end && !IsControl(*p)) {
    ++p;
  }
  return p;
}
#else
inline const char* NextControl(const char* p, const char* end) {
  while (p != end && !IsControl(*p)) {
    ++p;
  }
  return p;
}
#endif

}  // namespace

HeadScan ScanHead(std::string_view input, size_t from) {
  using Outcome = HeadScan::Outcome;
  const char* const begin = input.data();
  const char* const end = begin + input.size();
  const char* p = begin + from;
  for (;;) {
    p = NextControl(p, end);
    const size_t at = p - begin;
    const ptrdiff_t left = end - p;
    if (left == 0) {
      return {Outcome::kIncomplete, at};
    }
    if (*p != '\r' || (left >= 2 && p[1] != '\n')) {
      return {Outcome::kBadByte, at};
    }
    if (left < 4) {
      return {Outcome::kIncomplete, at};
    }
    if (p[2] == '\r') {
      return p[3] == '\n' ? HeadScan{Outcome::kWhole, at + 4} : HeadScan{Outcome::kBadByte, at + 2};
    }
    p += 2;
  }
}

size_t FindControl(std::string_view text) {
  const char* end = text.data() + text.size();
  const char* found = NextControl(text.data(), end);
  return found == end ? std::string_view::npos : found - text.data();
}

}  // namespace gatehouse::http

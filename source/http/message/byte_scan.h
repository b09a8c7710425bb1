// SPDX-License-Identifier: Apache-2.0
// Searches over received bytes, 16 at a time where the CPU can. Where nothing else is said, the
// text searched is followed by kScanPadding readable bytes, which spares the check for its end.
#pragma once

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <bit>
#include <cstddef>
#include <cstdint>

namespace gatehouse::http {

inline constexpr size_t kScanPadding = 64;

// A control character other than HTAB, or DEL: nowhere in a head but in its line ends.
inline bool IsControl(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && byte != '\t') || byte == 0x7f;
}

inline bool IsAlphanumericOrDash(char c) {
  const char lower = static_cast<char>(c | 0x20);
  return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

#ifdef __SSE2__

namespace sse2 {

inline constexpr ptrdiff_t kVector = 16;

inline __m128i Load(const char* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
inline __m128i Equal(__m128i bytes, char c) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)); }
// Bytes between `low` and `high`; both below 0x80, bytes above count as negative.
inline __m128i Between(__m128i bytes, char low, char high) {
  return _mm_and_si128(_mm_cmpgt_epi8(bytes, _mm_set1_epi8(static_cast<char>(low - 1))),
                       _mm_cmplt_epi8(bytes, _mm_set1_epi8(static_cast<char>(high + 1))));
}
inline uint32_t Mask(__m128i bytes) { return static_cast<uint32_t>(_mm_movemask_epi8(bytes)); }

inline uint32_t ControlMask(const char* p) {
  const __m128i bytes = Load(p);
  const __m128i below_space = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
  const __m128i controls = _mm_or_si128(below_space, Equal(bytes, 0x7f));
  return Mask(_mm_andnot_si128(Equal(bytes, '\t'), controls));
}

// One bit for each of the 64 bytes at `p`, set for those that are `c`.
inline uint64_t EqualBitmap(const char* p, char c) {
  return static_cast<uint64_t>(Mask(Equal(Load(p), c))) |
         static_cast<uint64_t>(Mask(Equal(Load(p + 16), c))) << 16 |
         static_cast<uint64_t>(Mask(Equal(Load(p + 32), c))) << 32 |
         static_cast<uint64_t>(Mask(Equal(Load(p + 48), c))) << 48;
}

inline uint32_t AlphanumericOrDashMask(const char* p) {
  const __m128i bytes = Load(p);
  const __m128i lower = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
  return Mask(_mm_or_si128(_mm_or_si128(Between(lower, 'a', 'z'), Between(bytes, '0', '9')),
                           Equal(bytes, '-')));
}

}  // namespace sse2

// One bit for each of the 64 bytes at `p`, set for control characters.
inline uint64_t ControlBitmap(const char* p) {
  return static_cast<uint64_t>(sse2::ControlMask(p)) |
         static_cast<uint64_t>(sse2::ControlMask(p + 16)) << 16 |
         static_cast<uint64_t>(sse2::ControlMask(p + 32)) << 32 |
         static_cast<uint64_t>(sse2::ControlMask(p + 48)) << 48;
}

// The first control character in [p, end), or `end`. Needs no padding.
inline const char* FindControl(const char* p, const char* end) {
  for (; end - p >= sse2::kVector; p += sse2::kVector) {
    if (const uint32_t mask = sse2::ControlMask(p); mask != 0) {
      return p + std::countr_zero(mask);
    }
  }
  while (p != end && !IsControl(*p)) {
    ++p;
  }
  return p;
}

// The first byte that is no letter, digit or '-'. REQUIRES: there is one.
inline const char* SkipAlphanumericOrDash(const char* p) {
  for (;; p += sse2::kVector) {
    if (const uint32_t others = ~sse2::AlphanumericOrDashMask(p) & 0xffff; others != 0) {
      return p + std::countr_zero(others);
    }
  }
}

#else

inline uint64_t ControlBitmap(const char* p) {
  uint64_t bitmap = 0;
  for (int i = 0; i < 64; ++i) {
    bitmap |= static_cast<uint64_t>(IsControl(p[i])) << i;
  }
  return bitmap;
}

inline const char* FindControl(const char* p, const char* end) {
  while (p != end && !IsControl(*p)) {
    ++p;
  }
  return p;
}

inline const char* SkipAlphanumericOrDash(const char* p) {
  while (IsAlphanumericOrDash(*p)) {
    ++p;
  }
  return p;
}

#endif

}  // namespace gatehouse::http

// SPDX-License-Identifier: Apache-2.0
#include "source/http/h1/head_scanner.h"

#include <algorithm>

#include "source/http/message/byte_scan.h"

namespace gatehouse::http {
namespace {

constexpr size_t kNotFound = std::string_view::npos;

// Whether the LF at `input[lf]` ends the empty line that ends a section.
bool EndsSection(std::string_view input, size_t lf) {
  return lf >= 3 && input[lf - 1] == '\r' && input[lf - 2] == '\n' && input[lf - 3] == '\r';
}

#ifdef __SSE2__
constexpr size_t kBlock = 4 * sse2::kVector;

// The LF that ends the section, among the kBlock bytes from `at` on: the second of two LFs that are
// two bytes apart, which hardly anything else is.
size_t FindEndInBlock(std::string_view input, size_t at) {
  const uint64_t lf = sse2::EqualBitmap(input.data() + at, '\n');
  for (uint64_t ends = lf & (lf << 2); ends != 0; ends &= ends - 1) {
    const size_t end = at + std::countr_zero(ends);
    if (EndsSection(input, end)) {
      return end;
    }
  }
  return kNotFound;
}
#endif

// The last byte of the section, at or after `from`.
size_t FindSectionEnd(std::string_view input, size_t from) {
#ifdef __SSE2__
  if (input.size() >= kBlock) {
    // Blocks overlap by two bytes, so that no pair of LFs lies across; the last one by more.
    for (size_t at = from < 2 ? 0 : from - 2; at + kBlock <= input.size(); at += kBlock - 2) {
      if (const size_t end = FindEndInBlock(input, at); end != kNotFound) {
        return end;
      }
    }
    return FindEndInBlock(input, input.size() - kBlock);
  }
#endif
  size_t lf = input.find('\n', from);
  while (lf != kNotFound && !EndsSection(input, lf)) {
    lf = input.find('\n', lf + 1);
  }
  return lf;
}

}  // namespace

HeadScan ScanHead(std::string_view input, size_t from) {
  using Outcome = HeadScan::Outcome;
  if (const size_t end = FindSectionEnd(input, from); end != kNotFound) {
    return {Outcome::kWhole, end + 1};
  }
  const char* const begin = input.data();
  const char* const end = begin + input.size();
  const char* p = begin + from;
  for (;;) {
    p = FindControl(p, end);
    const ptrdiff_t left = end - p;
    const size_t at = p - begin;
    const bool bare = left > 0 && (*p != '\r' || (left > 1 && p[1] != '\n'));
    if (bare || (left > 3 && p[2] == '\r')) {
      return {Outcome::kBadByte, at};
    }
    if (left < 3 || (left == 3 && p[2] == '\r')) {
      return {Outcome::kIncomplete, at};
    }
    p += 2;
  }
}

}  // namespace gatehouse::http

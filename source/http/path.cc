// SPDX-License-Identifier: Apache-2.0
#include "source/http/path.h"

#include <array>
#include <cstring>
#include <string>

#include "source/base/text.h"

namespace gatehouse::http {
namespace {

tl::unexpected<Error> Refuse(const char* why) {
  return Fail(ErrorCode::kMalformedPath, ErrorSource::kDownstream, why);
}

// RFC 3986 section 2.3.
constexpr bool IsUnreserved(char c) {
  return (ToLower(c) >= 'a' && ToLower(c) <= 'z') || IsDigit(c) || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

// Classes for the scan that finds out whether anything is to be done.
constexpr uint8_t kSlash = 1;
constexpr uint8_t kDot = 2;
constexpr uint8_t kEscape = 4;  // '%' and '\'.

constexpr std::array<uint8_t, 256> MakeClasses() {
  std::array<uint8_t, 256> classes{};
  classes['/'] = kSlash;
  classes['.'] = kDot;
  classes['%'] = kEscape;
  classes['\\'] = kEscape;
  return classes;
}
constexpr std::array<uint8_t, 256> kClasses = MakeClasses();

// True only when `path` is in normal form whatever the options. May be false for one that is.
bool IsPlainlyNormal(std::string_view path) {
  uint8_t previous = 0;
  for (const char c : path) {
    const uint8_t current = kClasses[static_cast<unsigned char>(c)];
    const bool segment_begins_oddly = (previous & kSlash) != 0 && (current & (kSlash | kDot)) != 0;
    if (segment_begins_oddly || (current & kEscape) != 0) {
      return false;
    }
    previous = current;
  }
  return true;
}

// Writes `path` to `out` with its percent-encoding in normal form. The result is longer than `path`
// only by two for each backslash kept. Returns the end of what was written, or null with `*why`.
char* NormaliseEncoding(std::string_view path, EncodedSlash encoded_slash, char* out,
                        const char** why) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  for (size_t i = 0; i < path.size(); ++i) {
    char c = path[i];
    const bool encoded = c == '%';
    if (encoded) {
      const int high = i + 1 < path.size() ? HexDigit(path[i + 1]) : -1;
      const int low = i + 2 < path.size() ? HexDigit(path[i + 2]) : -1;
      if (high < 0 || low < 0) {
        *why = "the path has a '%' without two hexadecimal digits";
        return nullptr;
      }
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if ((c == '\\' || (encoded && c == '/')) && encoded_slash == EncodedSlash::kReject) {
      *why = "the path has an encoded slash or a backslash";
      return nullptr;
    }
    if (encoded && c == '\0') {
      *why = "the path has an encoded NUL";
      return nullptr;
    }
    if ((encoded && !IsUnreserved(c)) || c == '\\') {
      *out++ = '%';
      *out++ = kHex[static_cast<unsigned char>(c) >> 4];
      *out++ = kHex[static_cast<unsigned char>(c) & 0xF];
    } else {
      *out++ = c;
    }
  }
  return out;
}

// Resolves dot segments and merges slashes in place; `path` begins with '/'. Returns its new size.
size_t ResolveSegments(char* path, size_t size, bool merge_slashes) {
  size_t out = 0;  // path[0, out) is done and does not end in '/'.
  size_t in = 0;   // path[in] is the '/' before the next segment.
  while (in < size) {
    const char* start = path + in + 1;
    const auto* slash = static_cast<const char*>(std::memchr(start, '/', size - in - 1));
    const size_t length = (slash == nullptr ? path + size : slash) - start;
    const std::string_view segment(start, length);
    const bool last = slash == nullptr;
    in += 1 + length;
    if (segment == "..") {
      while (out > 0 && path[--out] != '/') {
      }
    }
    const bool vanishes = segment == "." || segment == ".." || (segment.empty() && merge_slashes);
    if (!vanishes) {
      std::memmove(path + out, start - 1, length + 1);
      out += length + 1;
    } else if (last) {
      path[out++] = '/';
    }
  }
  return out;
}

}  // namespace

Result<std::string_view> NormalisePath(std::string_view path, const PathOptions& options,
                                       Arena& arena) {
  if (path.empty() || path.front() != '/') {
    if (path == "*") {
      return path;
    }
    return Refuse("the path does not begin with '/'");
  }
  if (IsPlainlyNormal(path)) {
    return path;
  }
  const size_t room = path.size() * (options.encoded_slash == EncodedSlash::kKeep ? 3 : 1);
  char* out = static_cast<char*>(arena.Allocate(room));
  const char* why = "";
  const char* end = NormaliseEncoding(path, options.encoded_slash, out, &why);
  if (end == nullptr) {
    return Refuse(why);
  }
  const size_t size = ResolveSegments(out, end - out, options.merge_slashes);
  const std::string_view normal(out, size);
  return normal == path ? path : normal;
}

}  // namespace gatehouse::http

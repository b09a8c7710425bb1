// SPDX-License-Identifier: Apache-2.0
// Paths as they are matched and forwarded: one spelling for all that mean the same.
//
// The YAML it serves, of a listener: path: {merge_slashes: true, encoded_slash: reject}
#pragma once

#include <cstdint>
#include <string_view>

#include "source/base/arena.h"
#include "source/base/error.h"

namespace gatehouse::http {

// What to do with %2F, %5C and '\', which some servers take for '/'.
enum class EncodedSlash : uint8_t {
  kReject,
  kKeep,  // Forwarded encoded, never taken for a separator; '\' becomes %5C.
};

struct PathOptions {
  bool merge_slashes = true;  // "//" is "/".
  EncodedSlash encoded_slash = EncodedSlash::kReject;
};

// The normal form of `path` (no query; "*" stands for itself): percent-encoded unreserved
// characters decoded, hexadecimal digits in upper case (RFC 3986 section 6.2.2), then slashes
// merged and dot segments resolved (section 5.2.4; ".." at the root stays there). Nothing is
// decoded twice: %252e stays. Normalising twice is the same as once.
//
// Fails with kMalformedPath for a path that doesn't begin with '/', for malformed percent-encoding,
// for %00, and for what `options` reject. Returns `path` itself when it is in normal form already,
// else bytes in `arena`.
Result<std::string_view> NormalisePath(std::string_view path, const PathOptions& options,
                                       Arena& arena);

}  // namespace gatehouse::http

// SPDX-License-Identifier: Apache-2.0
// Whether a request's host and path are those that a configuration asks for.
#pragma once

#include <string_view>

namespace gatehouse::pipeline {

// Whether `host` is `wanted`: both in lower case, `host` without its port. "*" takes every request,
// also one without a host; the star of "*.example.org" stands for one or more labels.
bool HostFits(std::string_view wanted, std::string_view host);

// `prefix` without the slashes at its end, which don't count: "/users/" is "/users", "/" is "".
std::string_view CanonicalPrefix(std::string_view prefix);

// Whether `path` is `prefix`, which is canonical, or lies below it.
inline bool IsUnder(std::string_view path, std::string_view prefix) {
  return path.starts_with(prefix) &&
         (prefix.empty() || path.size() == prefix.size() || path[prefix.size()] == '/');
}

}  // namespace gatehouse::pipeline

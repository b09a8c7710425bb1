// SPDX-License-Identifier: Apache-2.0
// Shell patterns for files: `*`, `?` and `[...]` within one name, as in glob(7). A name that
// begins with a dot is matched by a dot only, so editors' and Kubernetes' own files stay out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::config {

// Whether `path` stands for whatever it matches, rather than for one file.
bool IsGlob(std::string_view path);

struct GlobMatches {
  std::vector<std::string> paths;        // In lexical order.
  std::vector<std::string> directories;  // Whose entries were looked at, or would have been.
  std::string error;                     // A directory that can't be read, and why; or empty.
};

// What is matched now. Past `max_paths` the rest is left out, and it is an error.
GlobMatches ExpandGlob(const std::string& pattern, size_t max_paths);

}  // namespace gatehouse::config

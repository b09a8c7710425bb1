// SPDX-License-Identifier: Apache-2.0
#include "source/pipeline/host_path.h"

namespace gatehouse::pipeline {

bool HostFits(std::string_view wanted, std::string_view host) {
  if (wanted == "*") {
    return true;
  }
  if (wanted.starts_with("*.")) {
    const std::string_view suffix = wanted.substr(1);
    return host.size() > suffix.size() && host.ends_with(suffix);
  }
  return !host.empty() && host == wanted;
}

std::string_view CanonicalPrefix(std::string_view prefix) {
  while (prefix.ends_with('/')) {
    prefix.remove_suffix(1);
  }
  return prefix;
}

}  // namespace gatehouse::pipeline

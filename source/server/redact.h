// SPDX-License-Identifier: Apache-2.0
// Diagnostics that may be shown to whoever may ask the admin endpoint: without what the process
// knows and they may not.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "source/config/diagnostics.h"
#include "source/config/document.h"

namespace gatehouse::server {

// The process's environment, and what was asked of it.
class WatchedEnvironment {
 public:
  // Must not outlive this.
  config::Environment Lookup();
  const std::vector<std::string>& values() const { return values_; }

 private:
  const config::Environment process_ = config::ProcessEnvironment();
  std::vector<std::string> values_;
};

enum class OtherFiles : uint8_t { kShown, kHidden };

// `diagnostics` with "***" for each of `values` that is long enough to be a secret. With kHidden,
// what is said of a line of any file but the first is that it is wrong.
std::shared_ptr<const config::Diagnostics> Redact(const config::Diagnostics& diagnostics,
                                                  const std::vector<std::string>& values,
                                                  OtherFiles other_files);

}  // namespace gatehouse::server

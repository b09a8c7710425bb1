// SPDX-License-Identifier: Apache-2.0
#include "source/server/redact.h"

#include <optional>
#include <string_view>
#include <utility>

namespace gatehouse::server {
namespace {

constexpr size_t kShortestSecret = 4;
// They stay as long as what they are about: a large configuration may have as many warnings.
constexpr size_t kKept = 1000;
constexpr std::string_view kHidden = "***";

std::string Without(std::string text, const std::vector<std::string>& values) {
  for (const std::string& value : values) {
    for (size_t at = text.find(value); at != std::string::npos;
         at = text.find(value, at + kHidden.size())) {
      text.replace(at, value.size(), kHidden);
    }
  }
  return text;
}

}  // namespace

config::Environment WatchedEnvironment::Lookup() {
  return [this](std::string_view name) {
    std::optional<std::string> value = process_(name);
    if (value && value->size() >= kShortestSecret) {
      values_.push_back(*value);
    }
    return value;
  };
}

std::shared_ptr<const config::Diagnostics> Redact(const config::Diagnostics& diagnostics,
                                                  const std::vector<std::string>& values,
                                                  OtherFiles other_files) {
  auto out = std::make_shared<config::Diagnostics>(kKept);
  for (const std::string& file : diagnostics.files()) {
    out->AddFile(file);
  }
  for (config::Diagnostic& one : diagnostics.Sorted()) {
    const bool hidden = other_files == OtherFiles::kHidden && one.position.file != 0;
    std::string message =
        hidden ? "this line is wrong; what it says is not shown here" : std::move(one.message);
    std::string suggestion = hidden ? "" : std::move(one.suggestion);
    message = Without(std::move(message), values);
    suggestion = Without(std::move(suggestion), values);
    if (one.severity == config::Severity::kError) {
      out->Error(one.position, one.path, std::move(message), std::move(suggestion));
    } else {
      out->Warning(one.position, one.path, std::move(message), std::move(suggestion));
    }
  }
  return out;
}

}  // namespace gatehouse::server

// SPDX-License-Identifier: Apache-2.0
// A document parsed from a text in a test, with its diagnostics as lines.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "source/config/document.h"

namespace gatehouse::config {

using Variables = std::map<std::string, std::string, std::less<>>;

inline Environment EnvironmentOf(Variables variables) {
  return [variables = std::move(variables)](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
  };
}

struct Loaded {
  explicit Loaded(std::string_view text, Variables variables = {}, DocumentLimits limits = {})
      : document(Document::Parse("f.yaml", text, EnvironmentOf(std::move(variables)), diagnostics,
                                 limits)) {}

  // The root without a check for unknown keys.
  Object Root() const {
    Object root = document->Root();
    root.Unchecked();
    return root;
  }
  Value Get(std::string_view key) const { return Root().Get(key, "help"); }
  std::string Errors() const { return diagnostics.ToText(); }

  Diagnostics diagnostics;
  std::unique_ptr<Document> document;
};

}  // namespace gatehouse::config

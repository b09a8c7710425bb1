// SPDX-License-Identifier: Apache-2.0
// docs/configuration.md: its example loads, and it knows every key that has a default.
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "source/server/checked_config.h"
#include "source/server/defaults.h"

namespace gatehouse::server {
namespace {

std::string Page() {
  const char* given = std::getenv("DOCS_DIR");
  const auto text =
      config::ReadSource(std::string(given == nullptr ? "docs" : given) + "/configuration.md");
  EXPECT_TRUE(text.has_value());
  return text.value_or("");
}

void ExpectKeysOn(const std::string& page, const std::string& path, const Tree& defaults) {
  for (const auto& [key, value] : defaults.items()) {
    const std::string inner = path.empty() ? key : path + "." + key;
    if (value.is_object() && !value.empty()) {
      ExpectKeysOn(page, inner, value);
    } else {
      EXPECT_NE(page.find("| `" + inner + "` |"), page.npos) << inner;
    }
  }
}

TEST(ConfigurationPage, ItsExampleIsValid) {
  const std::string page = Page();
  const std::string fence = "```yaml\n";
  const size_t begin = page.find(fence) + fence.size();
  const std::string example = page.substr(begin, page.find("```\n", begin) - begin);
  const CheckedConfig config("example.yaml", example,
                             [](std::string_view) { return std::optional<std::string>(); });
  EXPECT_TRUE(config.valid(/*strict=*/true)) << config.Report();
}

TEST(ConfigurationPage, HasEveryKeyWithADefault) {
  const std::string page = Page();
  const Defaults defaults;
  ExpectKeysOn(page, "", defaults.admin);
  ExpectKeysOn(page, "", defaults.runtime);
  ExpectKeysOn(page, "", defaults.listener);
  ExpectKeysOn(page, "", defaults.cluster);
  ExpectKeysOn(page, "endpoints[]", defaults.endpoint);
  ExpectKeysOn(page, "", defaults.forward);
}

}  // namespace
}  // namespace gatehouse::server

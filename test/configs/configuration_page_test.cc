// SPDX-License-Identifier: Apache-2.0
// docs/configuration.md: its example loads.
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "source/server/checked_config.h"

namespace gatehouse::server {
namespace {

std::string Page() {
  const char* given = std::getenv("DOCS_DIR");
  const auto text =
      config::ReadSource(std::string(given == nullptr ? "docs" : given) + "/configuration.md");
  EXPECT_TRUE(text.has_value());
  return text.value_or("");
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

}  // namespace
}  // namespace gatehouse::server

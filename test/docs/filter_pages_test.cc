// SPDX-License-Identifier: Apache-2.0
// The configuration that each page in docs/filters begins with is valid as it stands.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "source/filters/builtin.h"
#include "source/server/config_loader.h"

namespace gatehouse::server {
namespace {

std::string Contents(const std::filesystem::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The first YAML block of a page.
std::string ExampleOf(const std::string& page) {
  constexpr std::string_view kFence = "```yaml\n";
  const size_t begin = page.find(kFence);
  if (begin == std::string::npos) {
    return {};
  }
  const size_t text = begin + kFence.size();
  return page.substr(text, page.find("```", text) - text);
}

TEST(FilterPagesTest, TheirConfigurationsAreValid) {
  const pipeline::Catalog catalog = BuiltinFilters();
  size_t pages = 0;
  for (const auto& entry : std::filesystem::directory_iterator("docs/filters")) {
    if (entry.path().extension() != ".md") {
      continue;
    }
    ++pages;
    LoadRequest request;
    request.name = entry.path().filename();
    request.text = ExampleOf(Contents(entry.path()));
    request.environment = config::ProcessEnvironment();
    request.catalog = &catalog;
    request.activate = false;
    EXPECT_NE(request.text, "") << request.name;
    EXPECT_EQ(LoadConfig(request)->diagnostics.ToText(), "");
  }
  EXPECT_GE(pages, catalog.types().size()) << "a filter has no page";
}

}  // namespace
}  // namespace gatehouse::server

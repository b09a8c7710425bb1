// SPDX-License-Identifier: Apache-2.0
#include "source/config/diagnostics.h"

#include <gtest/gtest.h>

namespace gatehouse::config {
namespace {

TEST(DiagnosticsTest, LinesHavePositionPathMessageAndSuggestion) {
  Diagnostics diagnostics;
  const uint32_t file = diagnostics.AddFile("gatehouse.yaml");
  diagnostics.Error({file, 3, 5}, "routes[2].clustr", "unknown key", "cluster");
  diagnostics.Warning({file, 4, 1}, "clusters.a", "nobody uses it");
  diagnostics.Error({file, 0, 0}, "", "empty configuration");
  EXPECT_EQ(diagnostics.ToText(),
            "gatehouse.yaml: empty configuration\n"
            "gatehouse.yaml:3:5: routes[2].clustr: unknown key (did you mean \"cluster\"?)\n"
            "gatehouse.yaml:4:1: warning: clusters.a: nobody uses it\n");
  EXPECT_EQ(diagnostics.errors(), 2u);
  EXPECT_EQ(diagnostics.warnings(), 1u);
  EXPECT_FALSE(diagnostics.ok());
}

TEST(DiagnosticsTest, WarningsAloneAreOk) {
  Diagnostics diagnostics;
  diagnostics.Warning({}, "a", "odd");
  EXPECT_TRUE(diagnostics.ok());
  EXPECT_EQ(diagnostics.ToText(), "warning: a: odd\n");
}

TEST(DiagnosticsTest, SortsByFileLineColumnAndKeepsTheOrderOfEqualPositions) {
  Diagnostics diagnostics;
  const uint32_t first = diagnostics.AddFile("a");
  const uint32_t second = diagnostics.AddFile("b");
  diagnostics.Error({second, 1, 1}, "", "5");
  diagnostics.Error({first, 2, 9}, "", "3");
  diagnostics.Error({first, 10, 1}, "", "4");
  diagnostics.Error({first, 2, 1}, "", "1");
  diagnostics.Error({first, 2, 1}, "", "2");
  std::string order;
  for (const Diagnostic& diagnostic : diagnostics.Sorted()) {
    order += diagnostic.message;
  }
  EXPECT_EQ(order, "12345");
}

TEST(DiagnosticsTest, KeepsTheSameMistakeOnce) {
  Diagnostics diagnostics;
  const uint32_t file = diagnostics.AddFile("a");
  diagnostics.Error({file, 1, 1}, "x", "wrong");
  diagnostics.Error({file, 1, 1}, "x", "wrong");
  diagnostics.Error({file, 1, 1}, "y", "wrong");
  // Two files may have the same name.
  diagnostics.Error({diagnostics.AddFile("a"), 1, 1}, "x", "wrong");
  EXPECT_EQ(diagnostics.errors(), 3u);
}

TEST(DiagnosticsTest, ControlCharactersCannotForgeLines) {
  Diagnostics diagnostics;
  const uint32_t file = diagnostics.AddFile("a");
  diagnostics.Error({file, 1, 1}, "x", "got \"\n\x1b[31m\"");
  EXPECT_EQ(diagnostics.ToText(), "a:1:1: x: got \"\\n\\x1b[31m\"\n");
}

TEST(DiagnosticsTest, CountsWhatItNoLongerKeeps) {
  Diagnostics diagnostics;
  const uint32_t file = diagnostics.AddFile("a");
  for (uint32_t line = 1; line <= Diagnostics::kMaxKept + 5; ++line) {
    diagnostics.Error({file, line, 1}, "", "wrong");
  }
  EXPECT_EQ(diagnostics.errors(), Diagnostics::kMaxKept + 5);
  EXPECT_EQ(diagnostics.Sorted().size(), Diagnostics::kMaxKept);
  EXPECT_TRUE(diagnostics.ToText().ends_with("and 5 more\n"));
}

}  // namespace
}  // namespace gatehouse::config

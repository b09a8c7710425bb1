// SPDX-License-Identifier: Apache-2.0
#include "source/server/redact.h"

#include <gtest/gtest.h>
#include <stdlib.h>

namespace gatehouse::server {
namespace {

TEST(Redact, HidesWhatVariablesHold) {
  setenv("REDACT_TEST_SECRET", "hunter2", 1);
  setenv("REDACT_TEST_SHORT", "80", 1);
  WatchedEnvironment environment;
  const config::Environment lookup = environment.Lookup();
  EXPECT_EQ(lookup("REDACT_TEST_SECRET"), "hunter2");
  EXPECT_EQ(lookup("REDACT_TEST_SHORT"), "80");
  EXPECT_EQ(lookup("REDACT_TEST_UNSET"), std::nullopt);

  config::Diagnostics diagnostics;
  const uint32_t file = diagnostics.AddFile("a.yaml");
  diagnostics.Error({file, 3, 7}, "x.y", "got \"hunter2\" and hunter2", "hunter2s");
  diagnostics.Warning({file, 4, 1}, "x.z", "port 80");
  const auto shown = Redact(diagnostics, environment.values(), OtherFiles::kShown);
  EXPECT_EQ(shown->ToText().find("hunter2"), std::string::npos) << shown->ToText();
  const auto all = shown->Sorted();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].message, "got \"***\" and ***");
  EXPECT_EQ(all[0].suggestion, "***s");
  EXPECT_EQ(all[0].position.line, 3u);
  EXPECT_EQ(all[0].path, "x.y");
  EXPECT_EQ(all[1].message, "port 80");
  EXPECT_EQ(all[1].severity, config::Severity::kWarning);
  EXPECT_EQ(shown->errors(), 1u);
  EXPECT_EQ(shown->warnings(), 1u);
}

TEST(Redact, HidesWhatOtherFilesSay) {
  config::Diagnostics diagnostics;
  diagnostics.AddFile("<request>");
  const uint32_t other = diagnostics.AddFile("/etc/passwd");
  diagnostics.Error({0, 1, 1}, "a", "mine");
  diagnostics.Error({other, 1, 1}, "b", "\"root:x:0:0\" is not an address", "root");
  const std::string hidden = Redact(diagnostics, {}, OtherFiles::kHidden)->ToText();
  EXPECT_NE(hidden.find("mine"), std::string::npos);
  EXPECT_EQ(hidden.find("root"), std::string::npos) << hidden;
  EXPECT_NE(hidden.find("/etc/passwd:1:1"), std::string::npos) << hidden;
  EXPECT_NE(Redact(diagnostics, {}, OtherFiles::kShown)->ToText().find("root:x"),
            std::string::npos);
}

}  // namespace
}  // namespace gatehouse::server

// SPDX-License-Identifier: Apache-2.0
// The access log's sinks, conditions and what it hides; its lines are access_log_test.cc's.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "source/filters/builtin.h"
#include "source/pipeline/filter_harness.h"

namespace gatehouse::filters {
namespace {

using pipeline::FilterHarness;

std::string TestPath(const std::string& name) {
  const std::string path = testing::TempDir() + "access_log_sinks_test_" + name;
  std::filesystem::remove_all(path);
  return path;
}

std::string Contents(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

void OneRequest(FilterHarness& h, uint16_t status, std::string_view target = "/",
                const pipeline::HarnessFields& fields = {}) {
  h.Get(target, fields);
  h.Response(status);
  h.EndResponse();
  h.End();
}

std::string Mistakes(std::string_view yaml) {
  return FilterHarness(AccessLog(), yaml, {.activate = false}).diagnostics();
}

TEST(AccessLogSinksTest, EachHasItsOwnFormatAndConditions) {
  const std::string all = TestPath("all");
  const std::string bad = TestPath("bad");
  const std::string json = TestPath("json");
  {
    FilterHarness h(AccessLog(),
                    "{template: \"%PATH%\", when: {methods: GET}, sinks: [{path: " + all +
                        "}, {path: " + bad +
                        ", template: \"bad %PATH%\", when: {status: 5xx}}, {path: " + json +
                        ", fields: {path: \"%PATH%\"}}]}");
    ASSERT_EQ(h.diagnostics(), "");
    OneRequest(h, 200, "/a");
    OneRequest(h, 503, "/b");
    h.Request("POST", "/c");
    h.Response(500);
    h.EndResponse();
    h.End();
    EXPECT_EQ(h.Counter("lines"), 6);
    EXPECT_NE(h.definition().State().find("\"to\":\"" + bad + "\""), std::string::npos);
  }
  EXPECT_EQ(Contents(all), "/a\n/b\n");
  EXPECT_EQ(Contents(bad), "bad /b\nbad /c\n");
  EXPECT_EQ(Contents(json), "{\"path\":\"/a\"}\n{\"path\":\"/b\"}\n");
}

TEST(AccessLogSinksTest, ASinkWithoutOwnFormatHasTheFilters) {
  const std::string one = TestPath("one");
  const std::string two = TestPath("two");
  {
    FilterHarness h(AccessLog(), "{fields: {a: \"%PATH%\"}, sinks: [{path: " + one +
                                     ", format: json}, {path: " + two + ", format: text}]}");
    ASSERT_EQ(h.diagnostics(), "");
    OneRequest(h, 200);
  }
  EXPECT_EQ(Contents(one), "{\"a\":\"/\"}\n");
  EXPECT_TRUE(Contents(two).starts_with("192.0.2.1 - - ["));
}

TEST(AccessLogSinksTest, VerdictsAreAskedForWhereTheyAreUsed) {
  const auto reads = [](std::string_view yaml) {
    return FilterHarness(AccessLog(), yaml, {.activate = false}).definition().reads_verdicts;
  };
  EXPECT_FALSE(reads("format: json"));
  EXPECT_TRUE(reads("template: \"%VERDICTS%\""));
  EXPECT_TRUE(reads("fields: {why: \"because %VERDICTS%\"}"));
  EXPECT_TRUE(reads("sinks: [{path: stdout}, {path: stderr, template: \"%VERDICTS%\"}]"));
}

TEST(AccessLogSinksTest, SecretsOfOtherFiltersAreHiddenOnceTheyAreKnown) {
  const std::string path = TestPath("secrets");
  {
    FilterHarness h(AccessLog(), "{path: " + path +
                                     ", template: \"%REQ(x-own)% %REQ(x-a)% %TARGET%\", "
                                     "redact: {headers: [X-A], query: [invite]}}");
    ASSERT_EQ(h.diagnostics(), "");
    const pipeline::HarnessFields fields = {{"x-own", "s3cret"}, {"x-a", "s3cret"}};
    OneRequest(h, 200, "/?k=s3cret&invite=s3cret", fields);
    const std::vector<std::string> places = {"header x-own:apikey ", "query k:", "cookie c:"};
    h.definition().HideCredentials(places);
    OneRequest(h, 200, "/?k=s3cret&invite=s3cret", fields);
  }
  EXPECT_EQ(Contents(path), "s3cret *** /?k=s3cret&invite=***\n*** *** /?k=***&invite=***\n");
}

TEST(AccessLogSinksTest, OffIsOffAndAWarning) {
  const std::string path = TestPath("off");
  {
    FilterHarness h(AccessLog(),
                    "{path: " + path + ", template: \"%REQ(cookie)% %TARGET%\", redact: off}");
    EXPECT_NE(h.diagnostics().find("warning: redact: passwords, tokens and cookies are written to "
                                   "the log as they come"),
              std::string::npos)
        << h.diagnostics();
    const std::vector<std::string> places = {"query k:"};
    h.definition().HideCredentials(places);
    OneRequest(h, 200, "/?token=t&k=k", {{"cookie", "a=b"}});
  }
  EXPECT_EQ(Contents(path), "a=b /?token=t&k=k\n");
}

TEST(AccessLogSinksTest, Mistakes) {
  EXPECT_EQ(Mistakes("{path: stderr, sinks: [{path: stdout}]}"),
            "filter.yaml:1:8: path: stands in one of the `sinks` when there are any\n");
  EXPECT_EQ(Mistakes("{path: stderr, syslog: {address: \"unix:/dev/log\"}}"),
            "filter.yaml:1:8: path: lines go to a `path` or to `syslog`: for both, there are "
            "`sinks`\n");
  EXPECT_EQ(Mistakes("{when: {status: 5x}}"),
            "filter.yaml:1:17: when.status: \"5x\" is no status: write 404, 5xx, 400-499, or 0 for "
            "no answer\n");
  EXPECT_EQ(Mistakes("{when: {methods: get}}"),
            "filter.yaml:1:18: when.methods: a method is written in capitals (did you mean "
            "\"GET\"?)\n");
  EXPECT_EQ(Mistakes("{when: {}}"),
            "filter.yaml:1:8: when: asks for nothing; leave it out to log every request\n");
  EXPECT_EQ(Mistakes("{sinks: []}"),
            "filter.yaml:1:9: sinks: needs at least one place, such as {path: stdout}\n");
}

}  // namespace
}  // namespace gatehouse::filters

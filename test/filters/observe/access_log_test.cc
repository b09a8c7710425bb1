// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>

#include "source/filters/builtin.h"
#include "source/pipeline/filter_harness.h"

namespace gatehouse::filters {
namespace {

using pipeline::FilterHarness;

std::string TestPath(const std::string& name) {
  const std::string path = testing::TempDir() + "access_log_test_" + name;
  std::filesystem::remove_all(path);
  return path;
}

std::string Contents(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Whether `path` exists and holds `text` in time.
bool SoonHolds(const std::string& path, const std::string& text) {
  const MonotonicTime deadline = MonotonicNow() + std::chrono::seconds(20);
  const auto holds = [&] { return std::filesystem::exists(path) && Contents(path) == text; };
  while (!holds() && MonotonicNow() < deadline) {
    std::this_thread::yield();
  }
  return holds();
}

void OneRequest(FilterHarness& h, std::string_view target = "/") {
  h.Get(target, {{"user-agent", "curl/8.5"}});
  h.Response(200);
  h.EndResponse("hello");
  h.Advance(std::chrono::microseconds(1500));
  h.End();
}

TEST(AccessLogTest, WritesALineWhenTheStreamEnds) {
  const std::string path = TestPath("json");
  {
    FilterHarness h(AccessLog(), "{path: " + path + ", format: json}");
    ASSERT_EQ(h.diagnostics(), "");
    h.facts().route = "users";
    OneRequest(h, "/users/7?a=b");
    EXPECT_EQ(h.Counter("lines"), 1);
    EXPECT_EQ(h.Counter("dropped"), 0);
  }
  EXPECT_EQ(Contents(path),
            "{\"time\":\"2026-03-01T08:15:30.125Z\",\"client_ip\":\"192.0.2.1\",\"method\":\"GET\","
            "\"host\":\"example.com\",\"path\":\"/users/7\",\"protocol\":\"HTTP/1.1\","
            "\"status\":200,\"duration_ms\":1.500,\"bytes_in\":0,\"bytes_out\":5,"
            "\"route\":\"users\",\"attempts\":0,\"user_agent\":\"curl/8.5\"}\n");
}

TEST(AccessLogTest, TextUnlessToldOtherwise) {
  const std::string path = TestPath("text");
  {
    FilterHarness h(AccessLog(), "path: " + path);
    OneRequest(h);
  }
  EXPECT_EQ(Contents(path),
            "192.0.2.1 - - [01/Mar/2026:08:15:30 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" "
            "\"curl/8.5\" 1.500 - - -\n");
}

TEST(AccessLogTest, OwnTemplateAndOwnFields) {
  const std::string path = TestPath("own");
  {
    FilterHarness text(AccessLog(), "{path: " + path + ", template: \"%METHOD% %RESPONSE_CODE%\"}");
    OneRequest(text);
  }
  {
    FilterHarness json(AccessLog(), "{path: " + path + ", fields: {code: \"%RESPONSE_CODE%\"}}");
    OneRequest(json);
  }
  EXPECT_EQ(Contents(path), "GET 200\n{\"code\":200}\n");
}

TEST(AccessLogTest, StreamsThatGetNoAnswerAreLoggedToo) {
  const std::string path = TestPath("gone");
  {
    FilterHarness h(AccessLog(),
                    "{path: " + path + ", template: \"%RESPONSE_CODE% %ERROR% %COMPLETE%\"}");
    h.Get();
    h.End(ErrorCode::kClientGone);
  }
  EXPECT_EQ(Contents(path), "0 client_gone false\n");
}

TEST(AccessLogTest, LooksAtNothingButTheEnd) {
  const FilterHarness h(AccessLog(), "path: " + TestPath("phases"));
  const pipeline::Phases& phases = h.definition().phases();
  EXPECT_TRUE(phases.stream_end);
  EXPECT_FALSE(phases.request_headers || phases.response_headers || phases.request_body);
}

TEST(AccessLogTest, EachWorkerWritesItsOwnLines) {
  const std::string path = TestPath("workers");
  {
    FilterHarness h(AccessLog(), "{path: " + path + ", template: \"%PATH%\"}", {.workers = 2});
    OneRequest(h, "/zero");
    h.OnWorker(1);
    OneRequest(h, "/one");
    EXPECT_EQ(h.Counter("lines"), 2);
  }
  EXPECT_EQ(Contents(path), "/zero\n/one\n");
}

TEST(AccessLogTest, ReopenFilesFollowsARename) {
  const std::string path = TestPath("rotate");
  FilterHarness h(AccessLog(), "{path: " + path + ", template: \"%PATH%\"}");
  OneRequest(h, "/a");
  ASSERT_TRUE(SoonHolds(path, "/a\n"));
  std::filesystem::rename(path, path + ".1");
  h.definition().ReopenFiles();
  ASSERT_TRUE(SoonHolds(path, ""));
  OneRequest(h, "/b");
  EXPECT_TRUE(SoonHolds(path, "/b\n"));
  EXPECT_EQ(Contents(path + ".1"), "/a\n");
}

TEST(AccessLogTest, AReloadWithAnotherFormatKeepsTheWriter) {
  const std::string path = TestPath("reload");
  const auto threads = [] {
    const std::filesystem::directory_iterator tasks("/proc/self/task");
    return std::distance(begin(tasks), end(tasks));
  };
  FilterHarness h(AccessLog(), "{path: " + path + ", template: \"old %PATH%\"}");
  OneRequest(h);
  const auto before = threads();
  EXPECT_TRUE(h.Reload("{template: \"old %PATH%\", path: " + path + "}"));
  EXPECT_FALSE(h.Reload("{path: " + path + ", template: \"new %PATH%\"}"));
  EXPECT_EQ(threads(), before);
  OneRequest(h);
  EXPECT_TRUE(SoonHolds(path, "old /\nnew /\n"));
}

TEST(AccessLogTest, CheckingLeavesNoFileBehind) {
  const std::string path = TestPath("checked");
  const FilterHarness h(AccessLog(), "path: " + path, {.activate = false});
  EXPECT_EQ(h.diagnostics(), "");
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(AccessLogTest, AFileThatCannotBeOpenedIsAMistake) {
  for (const bool activate : {true, false}) {
    FilterHarness h(AccessLog(), "path: /nowhere/access.log", {.activate = activate});
    EXPECT_EQ(h.diagnostics(),
              "filter.yaml:1:7: path: \"/nowhere/access.log\" can't be written: No such file or "
              "directory\n");
    OneRequest(h);  // The placeholder takes it.
  }
}

TEST(AccessLogTest, Mistakes) {
  const auto mistakes = [](std::string_view yaml) {
    return FilterHarness(AccessLog(), yaml, {.activate = false}).diagnostics();
  };
  EXPECT_EQ(mistakes("{format: jsn}"),
            "filter.yaml:1:10: format: unknown value \"jsn\"; one of: text, json (did you mean "
            "\"json\"?)\n");
  EXPECT_EQ(mistakes("{format: text, fields: {a: \"%PATH%\"}}"),
            "filter.yaml:1:24: fields: belongs to `format: json`; a text line has a `template`\n");
  EXPECT_EQ(mistakes("{format: json, template: \"%PATH%\"}"),
            "filter.yaml:1:26: template: belongs to `format: text`; a JSON line has `fields`\n");
  EXPECT_EQ(mistakes("{template: \"%PTH%\"}"),
            "filter.yaml:1:12: template: unknown operator %PTH% (did you mean \"%PATH%\"?)\n");
  EXPECT_EQ(mistakes("{fields: {a: \"%PATH\"}}"),
            "filter.yaml:1:11: fields.a: \"%PATH\" starts an operator that does not end; a percent "
            "sign is written %%\n");
  EXPECT_EQ(mistakes("{buffer: 1KiB}"),
            "filter.yaml:1:10: buffer: must be between 64KiB and 256MiB, got 1KiB\n");
}

}  // namespace
}  // namespace gatehouse::filters

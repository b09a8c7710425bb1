// SPDX-License-Identifier: Apache-2.0
#include "source/observe/syslog_message.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <string>

#include "test/observe/stream_facts.h"

namespace gatehouse::observe {
namespace {

std::string Message(const SyslogOptions& options, std::string_view text,
                    const StreamFacts& facts = {}) {
  LogScratch scratch;
  scratch.line.Append("left over");
  const SyslogFormat format(options);
  format.Begin(facts.info, scratch);
  scratch.line.Append(text);
  format.End(scratch);
  return std::string(scratch.line.view());
}

TEST(SyslogMessageTest, Rfc5424) {
  char host[256] = {};
  ASSERT_EQ(gethostname(host, sizeof host - 1), 0);
  // The time is that of the end.
  EXPECT_EQ(Message({}, "GET /"), "<134>1 2026-03-01T08:15:30.137Z " + std::string(host) +
                                      " gatehouse " + std::to_string(getpid()) +
                                      " access - GET /\n");
}

TEST(SyslogMessageTest, Rfc3164HasLocalTimeAndNoHost) {
  setenv("TZ", "UTC-2", 1);
  tzset();
  EXPECT_EQ(Message({.facility = 1, .tag = "web", .rfc3164 = true}, "GET /"),
            "<14>Mar  1 10:15:30 web[" + std::to_string(getpid()) + "]: GET /\n");
  StreamFacts late;
  late.info.start += std::chrono::hours(24 * 300);
  EXPECT_TRUE(Message({.rfc3164 = true}, "", late).starts_with("<134>Dec 26 10:15:30 gatehouse["));
  unsetenv("TZ");
  tzset();
}

TEST(SyslogMessageTest, SeverityByWhatBecameOfIt) {
  StreamFacts facts;
  for (const auto& [status, priority] :
       {std::pair{200, "<134>"}, {302, "<134>"}, {404, "<132>"}, {500, "<131>"}, {0, "<131>"}}) {
    facts.info.status = static_cast<uint16_t>(status);
    EXPECT_TRUE(Message({}, "", facts).starts_with(priority)) << status;
  }
  EXPECT_TRUE(Message({.facility = 0, .severity = 7}, "", facts).starts_with("<7>1 "));
}

TEST(SyslogMessageTest, NoLineFeedStays) {
  const std::string message = Message({}, "a\nb\n\nc");
  EXPECT_TRUE(message.ends_with(" - a b  c\n")) << message;
  EXPECT_EQ(message.find('\n'), message.size() - 1);
}

TEST(SyslogMessageTest, LongOnesAreCutBetweenCharacters) {
  for (size_t before = 1000; before < 1004; ++before) {
    std::string text(before, 'x');
    for (int i = 0; i < 1000; ++i) {
      text += "\xe2\x82\xac";  // Three bytes each.
    }
    const std::string message = Message({.max_bytes = 2048}, text);
    EXPECT_LE(message.size(), 2049u);
    EXPECT_GE(message.size(), 2046u);
    EXPECT_TRUE(message.ends_with("\xe2\x82\xac...\n"));
  }
  const std::string whole = Message({.max_bytes = 2048}, "short");
  EXPECT_TRUE(whole.ends_with("- short\n"));
}

}  // namespace
}  // namespace gatehouse::observe

// SPDX-License-Identifier: Apache-2.0
#include "source/observe/access_log_format.h"

#include <gtest/gtest.h>

#include <string>

#include "test/observe/stream_facts.h"

namespace gatehouse::observe {
namespace {

std::string Line(const AccessLogFormat& format, const StreamFacts& facts) {
  LogScratch scratch;
  scratch.line.Append("left over from before");
  format.Write(facts.info, scratch);
  return std::string(scratch.line.view());
}

Pattern Compiled(std::string_view text) { return *Pattern::Parse(text, Moment::kEnd); }

TEST(AccessLogFormatTest, DefaultTextIsTheCombinedFormatAndMore) {
  EXPECT_EQ(Line(AccessLogFormat::DefaultText(), {}),
            "192.0.2.7 - - [01/Mar/2026:08:15:30 +0000] \"GET /users/7?debug=1 HTTP/1.1\" 200 1234 "
            "\"-\" \"curl/8.5\" 12.345 users 10.0.0.3:9002 -\n");
}

TEST(AccessLogFormatTest, DefaultJson) {
  EXPECT_EQ(Line(AccessLogFormat::DefaultJson(), {}),
            "{\"time\":\"2026-03-01T08:15:30.125Z\",\"client_ip\":\"192.0.2.7\","
            "\"method\":\"GET\",\"host\":\"api.example.com\",\"path\":\"/users/7\","
            "\"protocol\":\"HTTP/1.1\",\"status\":200,\"duration_ms\":12.345,"
            "\"upstream_ms\":11.000,\"bytes_in\":0,\"bytes_out\":1234,\"listener\":\"web\","
            "\"route\":\"users\",\"cluster\":\"users\",\"endpoint\":\"10.0.0.3:9002\","
            "\"attempts\":1,\"user_agent\":\"curl/8.5\"}\n");
}

TEST(AccessLogFormatTest, WhoWasAuthenticated) {
  const Identity identity = {.filter = "keys", .subject = "alice smith"};
  StreamFacts facts;
  facts.info.identity = &identity;
  EXPECT_TRUE(Line(AccessLogFormat::DefaultText(), facts)
                  .starts_with("192.0.2.7 - alice\\x20smith [01/Mar/2026:08:15:30 +0000] \""));
  EXPECT_NE(Line(AccessLogFormat::DefaultJson(), facts)
                .find("\"client_ip\":\"192.0.2.7\",\"subject\":\"alice smith\",\"method\":"),
            std::string::npos);
}

TEST(AccessLogFormatTest, JsonTellsWhatWentWrong) {
  StreamFacts facts;
  facts.info.error = ErrorCode::kConnectFailed;
  facts.info.error_detail = "10.0.0.3:9002: \"connection refused\"";
  facts.info.request_id = "00f067aa0ba902b7";
  const std::string line = Line(AccessLogFormat::DefaultJson(), facts);
  EXPECT_NE(line.find("\"request_id\":\"00f067aa0ba902b7\",\"error\":\"connect_failed\","
                      "\"error_detail\":\"10.0.0.3:9002: \\\"connection refused\\\"\"}\n"),
            std::string::npos)
      << line;
}

TEST(AccessLogFormatTest, AStreamOfWhichNothingIsKnownIsALineToo) {
  StreamFacts facts;
  facts.info = StreamInfo();
  EXPECT_EQ(Line(AccessLogFormat::DefaultText(), facts),
            ":: - - [01/Jan/1970:00:00:00 +0000] \"- - -\" 0 0 \"-\" \"-\" 0.000 - - -\n");
  const std::string json = Line(AccessLogFormat::DefaultJson(), facts);
  EXPECT_TRUE(json.starts_with("{\"time\":")) << json;
  EXPECT_TRUE(json.ends_with("\"attempts\":0}\n")) << json;
}

TEST(AccessLogFormatTest, OwnMembersAndOwnTemplate) {
  std::vector<std::pair<std::string, Pattern>> members;
  members.emplace_back("co\"de", Compiled("%RESPONSE_CODE%"));
  members.emplace_back("none", Compiled("%ERROR%"));
  members.emplace_back("what", Compiled("%METHOD% %PATH%"));
  EXPECT_EQ(Line(AccessLogFormat::Json(std::move(members)), {}),
            "{\"co\\\"de\":200,\"what\":\"GET /users/7\"}\n");
  EXPECT_EQ(Line(AccessLogFormat::Text(Compiled("%METHOD%")), {}), "GET\n");
}

TEST(AccessLogFormatTest, NoMembersAtAll) {
  EXPECT_EQ(Line(AccessLogFormat::Json({}), {}), "{}\n");
}

}  // namespace
}  // namespace gatehouse::observe

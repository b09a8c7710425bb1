// SPDX-License-Identifier: Apache-2.0
#include "source/observe/access_log_format.h"

#include <string_view>

#include "source/base/check.h"
#include "source/base/text.h"

namespace gatehouse::observe {
namespace {

constexpr std::string_view kDefaultText =
    "%CLIENT_IP% - %IDENTITY(subject)% [%START_TIME(clf)%] \"%METHOD% %TARGET% %PROTOCOL%\" "
    "%RESPONSE_CODE% "
    "%BYTES_SENT% \"%REQ(referer)%\" \"%REQ(user-agent)%\" %DURATION% %ROUTE% %ENDPOINT% %ERROR%";

constexpr std::pair<std::string_view, std::string_view> kDefaultMembers[] = {
    {"time", "%START_TIME%"},
    {"client_ip", "%CLIENT_IP%"},
    {"subject", "%IDENTITY(subject)%"},
    {"method", "%METHOD%"},
    {"host", "%HOST%"},
    {"path", "%PATH%"},
    {"protocol", "%PROTOCOL%"},
    {"status", "%RESPONSE_CODE%"},
    {"duration_ms", "%DURATION%"},
    {"upstream_ms", "%UPSTREAM_DURATION%"},
    {"bytes_in", "%BYTES_RECEIVED%"},
    {"bytes_out", "%BYTES_SENT%"},
    {"listener", "%LISTENER%"},
    {"route", "%ROUTE%"},
    {"cluster", "%CLUSTER%"},
    {"endpoint", "%ENDPOINT%"},
    {"attempts", "%ATTEMPTS%"},
    {"user_agent", "%REQ(user-agent)%"},
    {"request_id", "%REQUEST_ID%"},
    {"error", "%ERROR%"},
    {"error_detail", "%ERROR_DETAIL%"},
};

Pattern MustParse(std::string_view text) {
  tl::expected<Pattern, PatternMistake> pattern = Pattern::Parse(text, Moment::kEnd);
  GATEHOUSE_CHECK(pattern, "the built-in formats are valid");
  return *std::move(pattern);
}

}  // namespace

AccessLogFormat AccessLogFormat::Text(Pattern line) {
  AccessLogFormat out;
  out.line_ = std::move(line);
  return out;
}

AccessLogFormat AccessLogFormat::Json(std::vector<std::pair<std::string, Pattern>> members) {
  AccessLogFormat out;
  out.json_ = true;
  for (auto& [name, value] : members) {
    std::string key = "\"";
    AppendJsonEscaped(key, name);
    key.append("\":");
    const bool needs_identity = value.NeedsIdentity();
    out.members_.push_back({std::move(key), std::move(value), needs_identity});
  }
  return out;
}

AccessLogFormat AccessLogFormat::DefaultText() { return Text(MustParse(kDefaultText)); }

AccessLogFormat AccessLogFormat::DefaultJson() {
  std::vector<std::pair<std::string, Pattern>> members;
  for (const auto& [name, text] : kDefaultMembers) {
    members.emplace_back(name, MustParse(text));
  }
  return Json(std::move(members));
}

void AccessLogFormat::Write(const StreamInfo& info, LogScratch& scratch) const {
  LineBuffer& line = scratch.line;
  line.Clear();
  if (!json_) {
    line_.AppendText(info, scratch);
    line.Append('\n');
    return;
  }
  line.Append('{');
  for (const Member& member : members_) {
    if (member.needs_identity && info.identity == nullptr) {
      continue;
    }
    const size_t before = line.size();
    line.Append(member.key);
    if (member.value.AppendJson(info, scratch)) {
      line.Append(',');
    } else {
      line.Truncate(before);
    }
  }
  if (line.size() > 1) {
    line.Truncate(line.size() - 1);  // The last comma.
  }
  line.Append("}\n");
}

}  // namespace gatehouse::observe

// SPDX-License-Identifier: Apache-2.0
#include "source/observe/access_log_format.h"

#include <algorithm>
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
    {"filter", "%FILTER%"},
    {"fallback", "%FALLBACK%"},
    {"error", "%ERROR%"},
    {"error_detail", "%ERROR_DETAIL%"},
};

Pattern MustParse(std::string_view text, const std::shared_ptr<Secrets>& secrets) {
  tl::expected<Pattern, PatternMistake> pattern = Pattern::Parse(text, Moment::kEnd, secrets);
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
    out.members_.push_back({std::move(key), std::move(value)});
  }
  return out;
}

AccessLogFormat AccessLogFormat::DefaultText(const std::shared_ptr<Secrets>& secrets) {
  return Text(MustParse(kDefaultText, secrets));
}

AccessLogFormat AccessLogFormat::DefaultJson(const std::shared_ptr<Secrets>& secrets) {
  std::vector<std::pair<std::string, Pattern>> members;
  for (const auto& [name, text] : kDefaultMembers) {
    members.emplace_back(name, MustParse(text, secrets));
  }
  return Json(std::move(members));
}

void AccessLogFormat::Write(const StreamInfo& info, LogScratch& scratch) const {
  scratch.line.Clear();
  Append(info, scratch);
  scratch.line.Append('\n');
}

void AccessLogFormat::Append(const StreamInfo& info, LogScratch& scratch) const {
  LineBuffer& line = scratch.line;
  if (!json_) {
    line_.AppendText(info, scratch);
    return;
  }
  const size_t begin = line.size();
  line.Append('{');
  for (const Member& member : members_) {
    if (member.value.IsMissing(info)) {
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
  if (line.size() > begin + 1) {
    line.Truncate(line.size() - 1);  // The last comma.
  }
  line.Append('}');
}

bool AccessLogFormat::Uses(std::string_view operator_name) const {
  return line_.Uses(operator_name) ||
         std::any_of(members_.begin(), members_.end(),
                     [&](const Member& member) { return member.value.Uses(operator_name); });
}

}  // namespace gatehouse::observe

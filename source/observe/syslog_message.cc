// SPDX-License-Identifier: Apache-2.0
#include "source/observe/syslog_message.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>
#include <utility>

namespace gatehouse::observe {
namespace {

constexpr uint8_t kErr = 3;
constexpr uint8_t kWarning = 4;
constexpr uint8_t kInfo = 6;
constexpr std::string_view kCut = "...";

// PRINTUSASCII; "-" when nothing is left.
std::string Printable(std::string_view text, size_t most) {
  std::string out(text.substr(0, most));
  std::erase_if(out, [](char c) { return c < 33 || c > 126; });
  return out.empty() ? "-" : out;
}

std::string HostName() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string();
}

uint8_t SeverityOf(const StreamInfo& info) {
  return info.status >= 500 || info.status == 0 ? kErr : info.status >= 400 ? kWarning : kInfo;
}

}  // namespace

SyslogFormat::SyslogFormat(SyslogOptions options) : options_(std::move(options)) {
  const std::string process = std::to_string(getpid());
  after_time_ = options_.rfc3164 ? Printable(options_.tag, 32) + "[" + process + "]: "
                                 : " " + Printable(HostName(), 255) + " " +
                                       Printable(options_.tag, 48) + " " + process + " access - ";
}

void SyslogFormat::Begin(const StreamInfo& info, LogScratch& scratch) const {
  LineBuffer& line = scratch.line;
  line.Clear();
  const uint32_t priority = options_.facility * 8u + options_.severity.value_or(SeverityOf(info));
  char* const out = line.Room(kMaxValueText);
  *out = '<';
  line.Commit(WriteUint(out + 1, priority));
  line.Append(options_.rfc3164 ? ">" : ">1 ");
  const WallTime ended = info.start + info.duration;
  if (options_.rfc3164) {
    WriteRfc3164Time(ended, line);
  } else {
    line.Commit(scratch.clock.WriteRfc3339(line.Room(kMaxValueText), ended));
  }
  line.Append(after_time_);
}

// "Mar  1 08:15:30 ", in local time: that is how it is read.
void SyslogFormat::WriteRfc3164Time(WallTime time, LineBuffer& line) const {
  static constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const time_t second = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
  tm parts{};
  localtime_r(&second, &parts);
  line.Append(kMonths.substr(static_cast<size_t>(parts.tm_mon) * 3, 3));
  const auto two = [&](int value, char before) {
    char* out = line.Room(3);
    *out = before;
    line.Commit(WriteDigits(out + 1, static_cast<uint32_t>(value), 2));
  };
  if (parts.tm_mday < 10) {
    line.Append("  ");
    line.Append(static_cast<char>('0' + parts.tm_mday));
  } else {
    two(parts.tm_mday, ' ');
  }
  two(parts.tm_hour, ' ');
  two(parts.tm_min, ':');
  two(parts.tm_sec, ':');
  line.Append(' ');
}

void SyslogFormat::End(LogScratch& scratch) const {
  LineBuffer& line = scratch.line;
  if (line.size() > options_.max_bytes) {
    const std::string_view text = line.view();
    size_t end = options_.max_bytes - kCut.size();
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) {
      --end;
    }
    line.Truncate(end);
    line.Append(kCut);
  }
  if (line.view().find('\n') != std::string_view::npos) [[unlikely]] {
    const size_t size = line.size();
    line.Truncate(0);
    char* const text = line.Room(size);
    std::replace(text, text + size, '\n', ' ');
    line.Commit(text + size);
  }
  line.Append('\n');
}

}  // namespace gatehouse::observe

// SPDX-License-Identifier: Apache-2.0
#include "source/filters/security/entry_file.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <utility>

#include "source/base/digest.h"
#include "source/base/text.h"
#include "source/observe/value_text.h"

namespace gatehouse::filters {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr std::string_view kFirstLine = "gatehouse ip_access entries 1\n";
constexpr std::string_view kLastLine = "end ";
// Where what is added to a clock stays far from its end.
constexpr uint64_t kMostMs = uint64_t{1} << 42;

void AppendDigest(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  for (const uint8_t byte : Sha256().Add(text).Finish()) {
    out.append({kHex[byte >> 4], kHex[byte & 15]});
  }
}

uint64_t Milliseconds(Duration duration) {
  return static_cast<uint64_t>(std::max<int64_t>(0, duration_cast<milliseconds>(duration).count()));
}

void AppendEntry(std::string& out, const AccessEntry& entry, MonotonicTime now, WallTime wall) {
  std::array<char, observe::kMaxValueText> address{};
  const Duration left = entry.HasEnd() ? entry.expires - now : Duration(0);
  out.append(entry.allow ? "allow " : "deny ");
  out.append(address.data(), observe::WriteIp(address.data(), entry.block.base));
  out.push_back('/');
  AppendUint(out, entry.block.prefix);
  out.push_back(' ');
  AppendUint(out, entry.HasEnd() ? Milliseconds((wall + left).time_since_epoch()) : 0);
  out.push_back(' ');
  AppendUint(out, entry.HasEnd() ? std::max<uint64_t>(1, Milliseconds(left)) : 0);
  out.push_back(' ');
  AppendUint(out, Milliseconds(entry.added.time_since_epoch()));
  out.append(" ").append(entry.reason).append("\n");
}

// Takes the word up to the next space.
std::string_view TakeWord(std::string_view& line) {
  const size_t end = line.find(' ');
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  return word;
}

// Nothing: the line is not one that was written.
std::optional<AccessEntry> ReadEntry(std::string_view line, MonotonicTime now, WallTime wall) {
  AccessEntry entry;
  const std::string_view action = TakeWord(line);
  const std::string_view block = TakeWord(line);
  const std::optional<uint64_t> until = ParseUint(TakeWord(line));
  const std::optional<uint64_t> left = ParseUint(TakeWord(line));
  const std::optional<uint64_t> added = ParseUint(TakeWord(line));
  const size_t slash = block.find('/');
  const std::optional<IpAddress> base = ParseIp(block.substr(0, slash));
  const uint64_t prefix =
      slash == std::string_view::npos ? 129 : ParseUint(block.substr(slash + 1)).value_or(129);
  if ((action != "allow" && action != "deny") || !base || prefix > 128 || !until || !left ||
      !added || std::max({*until, *left, *added}) > kMostMs) {
    return std::nullopt;
  }
  entry.block = {*base, static_cast<uint8_t>(prefix)};
  entry.allow = action == "allow";
  entry.added = WallTime(milliseconds(*added));
  entry.reason = line;
  if (*left != 0) {
    const Duration by_wall = WallTime(milliseconds(*until)) - wall;
    entry.expires = now + std::min<Duration>(by_wall, milliseconds(*left));
  }
  return entry;
}

tl::unexpected<Error> NotWhole(std::string why) {
  return Fail(ErrorCode::kIo, ErrorSource::kInternal, std::move(why));
}

}  // namespace

std::string WriteEntries(const EntryTrie& entries, MonotonicTime now, WallTime wall) {
  std::string out(kFirstLine);
  uint64_t count = 0;
  entries.Visit(nullptr, [&](const AccessEntry& entry) {
    if (now < entry.expires) {
      AppendEntry(out, entry, now, wall);
      ++count;
    }
    return true;
  });
  std::string last(kLastLine);
  AppendUint(last, count);
  last.push_back(' ');
  AppendDigest(last, out);
  return out.append(last).append("\n");
}

Result<EntryTrie> ReadEntries(std::string_view text, MonotonicTime now, WallTime wall) {
  if (!text.starts_with(kFirstLine)) {
    return NotWhole("its first line is not that of a list of entries");
  }
  const size_t end = text.empty() ? 0 : text.rfind('\n', text.size() - 2) + 1;
  std::string_view last = text.substr(end);
  std::string digest;
  AppendDigest(digest, text.substr(0, end));
  if (!last.starts_with(kLastLine) || !last.ends_with('\n')) {
    return NotWhole("its end is missing");
  }
  last = last.substr(kLastLine.size(), last.size() - kLastLine.size() - 1);
  const std::optional<uint64_t> count = ParseUint(TakeWord(last));
  if (last != digest || !count) {
    return NotWhole("its content is not what its last line says");
  }
  EntryTrie out;
  uint64_t lines_read = 0;
  std::string_view lines = text.substr(kFirstLine.size(), end - kFirstLine.size());
  while (!lines.empty()) {
    const size_t length = lines.find('\n');
    std::optional<AccessEntry> entry = ReadEntry(lines.substr(0, length), now, wall);
    if (!entry) {
      return NotWhole("it has a line that was never written");
    }
    if (now < entry->expires) {
      out = out.With(std::make_shared<const AccessEntry>(*std::move(entry)));
    }
    lines.remove_prefix(length + 1);
    ++lines_read;
  }
  if (lines_read != *count) {
    return NotWhole("it has not as many lines as its last one says");
  }
  return out;
}

}  // namespace gatehouse::filters

// SPDX-License-Identifier: Apache-2.0
#include "source/filters/security/ip_list.h"

#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "source/base/text.h"

namespace gatehouse::filters {
namespace {

constexpr size_t kLongestQuoted = 80;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";  // As some editors begin a file.

// What follows reads common spellings quickly. Anything else is left to AddEntry(), which knows
// what is right, and what to say when it is not.

// Takes "a.b.c.d" from the front of `text`.
bool TakeV4(std::string_view& text, uint32_t& out) {
  const char* at = text.data();
  const char* const end = at + text.size();
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    if (i > 0 && (at == end || *at++ != '.')) {
      return false;
    }
    if (at == end || !IsDigit(*at)) {
      return false;
    }
    auto byte = static_cast<uint32_t>(*at++ - '0');
    while (byte != 0 && at != end && IsDigit(*at)) {
      byte = byte * 10 + static_cast<uint32_t>(*at++ - '0');
      if (byte > 255) {
        return false;
      }
    }
    value = value << 8 | byte;
  }
  text.remove_prefix(static_cast<size_t>(at - text.data()));
  out = value;
  return true;
}

// Takes one group of hexadecimal digits from the front of `text`.
bool TakeGroup(std::string_view& text, uint16_t& out) {
  uint32_t value = 0;
  size_t digits = 0;
  for (; digits < 4 && digits < text.size(); ++digits) {
    const int digit = HexDigit(text[digits]);
    if (digit < 0) {
      break;
    }
    value = value << 4 | static_cast<uint32_t>(digit);
  }
  text.remove_prefix(digits);
  out = static_cast<uint16_t>(value);
  return digits > 0;
}

// Takes an IPv6 address, without dots, from the front of `text`.
bool TakeV6(std::string_view& text, AddressNumber& out) {
  std::array<uint16_t, 8> groups{};
  size_t count = 0;
  size_t gap = groups.size() + 1;  // Where "::" stands.
  if (text.starts_with("::")) {
    gap = 0;
    text.remove_prefix(2);
  }
  while (count < groups.size()) {
    if (!TakeGroup(text, groups[count])) {
      if (gap != count) {
        return false;
      }
      break;
    }
    ++count;
    if (!text.starts_with(':')) {
      break;
    }
    text.remove_prefix(1);
    if (text.starts_with(':')) {
      if (gap <= groups.size()) {
        return false;
      }
      gap = count;
      text.remove_prefix(1);
    }
  }
  const bool gapped = gap <= groups.size();
  if (gapped ? count == groups.size() : count != groups.size()) {
    return false;
  }
  out = 0;
  for (size_t i = 0; i < groups.size(); ++i) {
    const size_t skipped = gapped ? groups.size() - count : 0;
    const bool zero = gapped && i >= gap && i < gap + skipped;
    out = out << 16 | (zero ? 0 : groups[gapped && i >= gap ? i - skipped : i]);
  }
  return true;
}

// Takes "/n" from the front of `text`; `bits` without one.
bool TakePrefix(std::string_view& text, uint32_t bits, uint32_t& out) {
  out = bits;
  if (!text.starts_with('/')) {
    return true;
  }
  size_t digits = 1;
  uint32_t value = 0;
  for (; digits < text.size() && digits <= 3 && IsDigit(text[digits]); ++digits) {
    value = value * 10 + static_cast<uint32_t>(text[digits] - '0');
  }
  text.remove_prefix(digits);
  out = value;
  return digits > 1 && value <= bits;
}

bool AddPlain(std::string_view entry, AddressBlocks& blocks) {
  uint32_t prefix = 0;
  if (uint32_t v4 = 0; TakeV4(entry, v4)) {
    if (!TakePrefix(entry, 32, prefix) || !entry.empty()) {
      return false;
    }
    const auto rest = static_cast<uint32_t>((uint64_t{1} << (32 - prefix)) - 1);
    if ((v4 & rest) != 0) {
      return false;
    }
    blocks.AddV4(v4, v4 | rest);
    return true;
  }
  AddressNumber v6 = 0;
  if (!TakeV6(entry, v6) || !TakePrefix(entry, 128, prefix) || !entry.empty()) {
    return false;
  }
  const AddressNumber rest =
      prefix == 0 ? ~AddressNumber{0} : (AddressNumber{1} << (128 - prefix)) - 1;
  if ((v6 & rest) != 0) {
    return false;
  }
  blocks.Add(v6, v6 | rest);
  return true;
}

tl::unexpected<Error> Wrong(std::string_view entry, std::string_view why) {
  std::string message = "\"" + std::string(entry.substr(0, kLongestQuoted));
  message.append(entry.size() > kLongestQuoted ? "...\" " : "\" ").append(why);
  return Fail(ErrorCode::kInvalidConfig, ErrorSource::kConfig, std::move(message));
}

Result<void> AddRange(std::string_view entry, size_t dash, AddressBlocks& blocks) {
  const std::optional<IpAddress> first = ParseIp(TrimOws(entry.substr(0, dash)));
  const std::optional<IpAddress> last = ParseIp(TrimOws(entry.substr(dash + 1)));
  if (!first || !last) {
    return Wrong(entry, "is not a range of two IP addresses");
  }
  if (first->IsV4() != last->IsV4()) {
    return Wrong(entry, "begins with an address of one kind and ends with one of the other");
  }
  if (NumberOf(*last) < NumberOf(*first)) {
    return Wrong(entry, "ends before it begins");
  }
  if (first->IsV4()) {
    blocks.AddV4(static_cast<uint32_t>(NumberOf(*first)), static_cast<uint32_t>(NumberOf(*last)));
  } else {
    blocks.Add(NumberOf(*first), NumberOf(*last));
  }
  return {};
}

// What `line` holds besides comments and white space.
std::string_view EntryOf(std::string_view line) {
  size_t length = 0;
  while (length < line.size() && line[length] != '#' && line[length] != ';') {
    ++length;
  }
  line = line.substr(0, length);
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t')) {
    line.remove_suffix(1);
  }
  return TrimOws(line);
}

}  // namespace

Result<void> AddEntry(std::string_view entry, AddressBlocks& blocks) {
  if (const size_t dash = entry.find('-'); dash != std::string_view::npos) {
    return AddRange(entry, dash, blocks);
  }
  if (entry.size() > kLongestQuoted) {
    return Wrong(entry, "is not an IP address or CIDR block");
  }
  const Result<Cidr> block = ParseCidr(entry);
  if (!block) {
    return tl::unexpected<Error>(block.error());
  }
  blocks.Add(*block);
  return {};
}

size_t ParseIpList(std::string_view text, AddressBlocks& blocks,
                   const std::function<void(uint32_t, const std::string&)>& mistake) {
  size_t count = 0;
  if (text.starts_with(kByteOrderMark)) {
    text.remove_prefix(kByteOrderMark.size());
  }
  for (uint32_t line = 1; !text.empty(); ++line) {
    const size_t end = text.find('\n');
    const std::string_view entry = EntryOf(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (entry.empty()) {
      continue;
    }
    if (!AddPlain(entry, blocks)) {
      if (const Result<void> added = AddEntry(entry, blocks); !added) {
        mistake(line, added.error().message);
        continue;
      }
    }
    ++count;
  }
  return count;
}

}  // namespace gatehouse::filters

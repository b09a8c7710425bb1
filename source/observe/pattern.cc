// SPDX-License-Identifier: Apache-2.0
#include "source/observe/pattern.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "source/base/text.h"

namespace gatehouse::observe {
namespace {

using Kind = OperatorValue::Kind;

constexpr uint64_t Repeat(uint8_t byte) { return 0x0101010101010101u * byte; }

// Whether each byte is printable ASCII other than quote and backslash: eight at a time, because
// every value of every line passes here.
bool AllPlain(uint64_t word) {
  const auto has_zero = [](uint64_t x) { return (x - Repeat(1)) & ~x; };
  const uint64_t below_space = (word - Repeat(0x20)) & ~word;
  const uint64_t bad = word | below_space | has_zero(word ^ Repeat('"')) |
                       has_zero(word ^ Repeat('\\')) | has_zero(word ^ Repeat(0x7f));
  return (bad & Repeat(0x80)) == 0;
}

bool AllPlain(std::string_view text) {
  const char* at = text.data();
  size_t left = text.size();
  uint64_t word;
  for (; left >= sizeof(word); at += sizeof(word), left -= sizeof(word)) {
    std::memcpy(&word, at, sizeof(word));
    if (!AllPlain(word)) {
      return false;
    }
  }
  word = Repeat(' ');
  std::memcpy(&word, at, left);
  return AllPlain(word);
}

void AppendTextEscaped(LineBuffer& line, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  char* out = line.Room(text.size() * 4);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f || c == '"' || c == '\\') {
      *out++ = '\\';
      *out++ = 'x';
      *out++ = kHex[byte >> 4];
      *out++ = kHex[byte & 0xF];
    } else {
      *out++ = c;
    }
  }
  line.Commit(out);
}

void AppendForLog(LineBuffer& line, std::string_view text) {
  if (AllPlain(text)) [[likely]] {
    line.Append(text);
  } else {
    AppendTextEscaped(line, text);
  }
}

void AppendForJson(LogScratch& scratch, std::string_view text) {
  if (AllPlain(text)) [[likely]] {
    scratch.line.Append(text);
    return;
  }
  scratch.escaped.clear();
  AppendJsonEscaped(scratch.escaped, text);
  scratch.line.Append(scratch.escaped);
}

}  // namespace

OperatorValue Pattern::ValueOf(const Part& part, const StreamInfo& info, LogScratch& scratch,
                               char* room) const {
  OperatorValue value = part.value({info, part.text, scratch.clock, room});
  if (value.kind == Kind::kText && part.max_bytes != 0) {
    value.text = value.text.substr(0, part.max_bytes);
  }
  return value;
}

void Pattern::AppendText(const StreamInfo& info, LogScratch& scratch) const {
  char room[kMaxValueText];
  for (const Part& part : parts_) {
    if (part.op == nullptr) {
      scratch.line.Append(part.text);
      continue;
    }
    const OperatorValue value = ValueOf(part, info, scratch, room);
    if (value.kind == Kind::kMissing) {
      scratch.line.Append('-');
    } else if (value.kind == Kind::kBare) {
      scratch.line.Append(value.text);
    } else {
      AppendForLog(scratch.line, value.text.substr(0, kMaxLoggedBytes));
    }
  }
}

bool Pattern::AppendJson(const StreamInfo& info, LogScratch& scratch) const {
  char room[kMaxValueText];
  LineBuffer& line = scratch.line;
  if (parts_.size() == 1 && parts_[0].op != nullptr) {
    const OperatorValue value = ValueOf(parts_[0], info, scratch, room);
    if (value.kind == Kind::kBare) {
      line.Append(value.text);
    } else if (value.kind == Kind::kText) {
      line.Append('"');
      AppendForJson(scratch, value.text.substr(0, kMaxLoggedBytes));
      line.Append('"');
    }
    return value.kind != Kind::kMissing;
  }
  line.Append('"');
  for (const Part& part : parts_) {
    const OperatorValue value = part.op == nullptr ? OperatorValue{Kind::kText, part.text}
                                                   : ValueOf(part, info, scratch, room);
    AppendForJson(scratch,
                  value.kind == Kind::kMissing ? "-" : value.text.substr(0, kMaxLoggedBytes));
  }
  line.Append('"');
  return true;
}

void Pattern::AppendHeaderValue(const StreamInfo& info, LogScratch& scratch) const {
  char room[kMaxValueText];
  for (const Part& part : parts_) {
    if (part.op == nullptr) {
      scratch.line.Append(part.text);
      continue;
    }
    const std::string_view text = ValueOf(part, info, scratch, room).text;
    char* const begin = scratch.line.Room(text.size());
    char* const end = std::copy(text.begin(), text.end(), begin);
    std::replace_if(
        begin, end, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
    scratch.line.Commit(end);
  }
}

bool Pattern::IsConstant() const {
  return std::all_of(parts_.begin(), parts_.end(), [](const Part& part) { return !part.op; });
}

std::string_view Pattern::constant() const {
  return parts_.empty() ? std::string_view() : std::string_view(parts_[0].text);
}

bool Pattern::Uses(std::string_view operator_name) const {
  return std::any_of(parts_.begin(), parts_.end(), [&](const Part& part) {
    return part.op != nullptr && part.op->name == operator_name;
  });
}

}  // namespace gatehouse::observe

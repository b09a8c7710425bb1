// SPDX-License-Identifier: Apache-2.0
#include "source/observe/pattern.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "source/base/text.h"

namespace gatehouse::observe {
namespace {

constexpr uint64_t Repeat(uint8_t byte) { return 0x0101010101010101u * byte; }

// Has the high bit of a byte set when not each byte is printable ASCII other than quote and
// backslash. Eight at a time, because every value of every line passes here.
uint64_t Suspicion(uint64_t word) {
  const auto has_zero = [](uint64_t x) { return (x - Repeat(1)) & ~x; };
  const uint64_t below_space = (word - Repeat(0x20)) & ~word;
  return (word | below_space | has_zero(word ^ Repeat('"')) | has_zero(word ^ Repeat('\\')) |
          has_zero(word ^ Repeat(0x7f))) &
         Repeat(0x80);
}

// Copies `kBytes`; those that a word has more count as spaces.
template <size_t kBytes>
uint64_t CopySome(char* out, const char* in) {
  uint64_t word = Repeat(' ');
  std::memcpy(&word, in, kBytes);
  std::memcpy(out, &word, kBytes);
  return Suspicion(word);
}

// Copies `text` and tells whether all of it can stay as it is.
bool CopyPlain(char* out, std::string_view text) {
  const char* in = text.data();
  const size_t size = text.size();
  uint64_t suspicion = 0;
  if (size >= 8) {
    for (size_t at = 0; at + 8 <= size; at += 8) {
      suspicion |= CopySome<8>(out + at, in + at);
    }
    suspicion |= CopySome<8>(out + size - 8, in + size - 8);
  } else if (size >= 4) {
    suspicion = CopySome<4>(out, in) | CopySome<4>(out + size - 4, in + size - 4);
  } else {
    for (size_t at = 0; at < size; ++at) {
      suspicion |= CopySome<1>(out + at, in + at);
    }
  }
  return suspicion == 0;
}

void AppendTextEscaped(LineBuffer& line, std::string_view text, unsigned char lowest = ' ') {
  static constexpr char kHex[] = "0123456789abcdef";
  char* out = line.Room(text.size() * 4);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < lowest || byte >= 0x7f || c == '"' || c == '\\') {
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

void AppendForLog(LogScratch& scratch, std::string_view text) {
  LineBuffer& line = scratch.line;
  text = text.substr(0, Pattern::kMaxLoggedBytes);
  char* const out = line.Room(text.size());
  if (CopyPlain(out, text)) [[likely]] {
    line.Commit(out + text.size());
  } else {
    AppendTextEscaped(line, text);
  }
}

void AppendWordForLog(LogScratch& scratch, std::string_view text) {
  if (text.find(' ') == std::string_view::npos) [[likely]] {
    AppendForLog(scratch, text);
  } else {
    AppendTextEscaped(scratch.line, text.substr(0, Pattern::kMaxLoggedBytes), ' ' + 1);
  }
}

void AppendForJson(LogScratch& scratch, std::string_view text) {
  text = text.substr(0, Pattern::kMaxLoggedBytes);
  char* const out = scratch.line.Room(text.size());
  if (CopyPlain(out, text)) [[likely]] {
    scratch.line.Commit(out + text.size());
    return;
  }
  scratch.escaped.clear();
  AppendJsonEscaped(scratch.escaped, text);
  scratch.line.Append(scratch.escaped);
}

}  // namespace

// Values are written where they belong; those that lie elsewhere are put there by `put`. False, and
// nothing appended, when there is none.
template <typename Put>
bool Pattern::AppendValue(const Part& part, const StreamInfo& info, LogScratch& scratch,
                          Put put) const {
  char* const room = scratch.line.Room(kMaxValueText);
  std::string_view value = part.value({info, part.text, part.field.get(), scratch, room});
  if (value.empty()) {
    return false;
  }
  if (value.data() == room) {
    scratch.line.Commit(room + std::min<size_t>(value.size(), part.max_bytes));
  } else {
    if (part.hidden != nullptr || part.url) {
      value = WithoutSecrets(part, *secrets_, value, scratch);
    }
    put(scratch, value.substr(0, part.max_bytes));
  }
  return true;
}

std::string_view Pattern::WithoutSecrets(const Part& part, const Secrets& secrets,
                                         std::string_view value, LogScratch& scratch) {
  if (part.hidden != nullptr && part.hidden->load(std::memory_order_relaxed)) {
    return Secrets::HiddenValue(value, scratch.hidden);
  }
  return part.url ? secrets.WithoutParameters(value, scratch.hidden) : value;
}

void Pattern::NoteWhatItNeeds() {
  if (parts_.size() != 1 || parts_[0].op == nullptr) {
    return;
  }
  static constexpr std::pair<std::string_view, std::string_view StreamInfo::*> kMembers[] = {
      {"BREAKER", &StreamInfo::breaker},       {"CLUSTER", &StreamInfo::cluster},
      {"ENDPOINT", &StreamInfo::endpoint},     {"ERROR_DETAIL", &StreamInfo::error_detail},
      {"FALLBACK", &StreamInfo::fallback},     {"FILTER", &StreamInfo::answered_by},
      {"REQUEST_ID", &StreamInfo::request_id},
  };
  for (const auto& [name, member] : kMembers) {
    lone_ = parts_[0].op->name == name ? member : lone_;
  }
  needs_identity_ = parts_[0].field != nullptr;
  needs_error_ = parts_[0].op->name == "ERROR";
}

void Pattern::AppendText(const StreamInfo& info, LogScratch& scratch) const {
  for (const Part& part : parts_) {
    if (part.op == nullptr) {
      scratch.line.Append(part.text);
    } else if (!AppendValue(part, info, scratch, part.word ? AppendWordForLog : AppendForLog)) {
      scratch.line.Append('-');
    }
  }
}

bool Pattern::AppendJson(const StreamInfo& info, LogScratch& scratch) const {
  LineBuffer& line = scratch.line;
  if (parts_.size() == 1 && parts_[0].op != nullptr) {
    const Part& part = parts_[0];
    if (part.op->json != nullptr && part.max_bytes == UINT32_MAX) {
      return part.op->json({info, part.text, part.field.get(), scratch, nullptr});
    }
    if (part.bare) {
      return AppendValue(part, info, scratch, AppendForJson);
    }
    line.Append('"');
    if (!AppendValue(part, info, scratch, AppendForJson)) {
      line.Truncate(line.size() - 1);
      return false;
    }
    line.Append('"');
    return true;
  }
  line.Append('"');
  for (const Part& part : parts_) {
    if (part.op == nullptr) {
      AppendForJson(scratch, part.text);
    } else if (!AppendValue(part, info, scratch, AppendForJson)) {
      line.Append('-');
    }
  }
  line.Append('"');
  return true;
}

void Pattern::AppendHeaderValue(const StreamInfo& info, LogScratch& scratch) const {
  const auto without_controls = [](LogScratch& to, std::string_view text) {
    char* const begin = to.line.Room(text.size());
    char* const end = std::copy(text.begin(), text.end(), begin);
    const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    std::replace_if(begin, end, control, ' ');
    to.line.Commit(end);
  };
  for (const Part& part : parts_) {
    if (part.op == nullptr) {
      scratch.line.Append(part.text);
    } else {
      AppendValue(part, info, scratch, without_controls);
    }
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

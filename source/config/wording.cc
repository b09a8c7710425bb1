// SPDX-License-Identifier: Apache-2.0
#include "source/config/wording.h"

#include <algorithm>

#include "source/base/text.h"

namespace gatehouse::config {
namespace {

bool ReadsAsOneWord(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return static_cast<unsigned char>(c) > ' ' && c != 0x7f && c != '.' && c != '[' && c != ']' &&
           c != '"' && c != ':';
  });
}

}  // namespace

std::string KeyPath(std::string_view path, std::string_view key) {
  std::string out;
  out.reserve(path.size() + key.size() + 1);
  out.append(path);
  if (!ReadsAsOneWord(key)) {
    out.push_back('[');
    out.append(Quoted(key));
    out.push_back(']');
    return out;
  }
  if (!path.empty()) {
    out.push_back('.');
  }
  out.append(key);
  return out;
}

std::string ElementPath(std::string_view path, size_t index) {
  std::string out(path);
  out.push_back('[');
  AppendUint(out, index);
  out.push_back(']');
  return out;
}

std::string Quoted(std::string_view text) {
  constexpr size_t kMaxBytes = 80;
  size_t cut = std::min(text.size(), kMaxBytes);
  // Never inside a UTF-8 sequence.
  while (cut < text.size() && cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) {
    --cut;
  }
  std::string out = "\"";
  out.append(text.substr(0, cut));
  if (cut < text.size()) {
    out.append("...");
  }
  out.push_back('"');
  return out;
}

}  // namespace gatehouse::config

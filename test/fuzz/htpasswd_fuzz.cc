// SPDX-License-Identifier: Apache-2.0
// htpasswd files, and the credentials that clients send: the first line of the input is what
// follows "Basic ", the rest is the file. No password is hashed, only looked at.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unordered_set>

#include "source/filters/auth/basic_credentials.h"
#include "source/filters/auth/htpasswd.h"

namespace gatehouse::filters {
namespace {

void Check(bool holds) {
  if (!holds) {
    std::abort();
  }
}

bool HasControl(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string Encode(std::string_view bytes) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t word = 0;
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    for (size_t j = 0; j < 3; ++j) {
      word = word << 8 | (j < count ? static_cast<uint8_t>(bytes[i + j]) : 0);
    }
    for (size_t j = 0; j < 4; ++j) {
      out.push_back(j <= count ? kDigits[word >> (18 - 6 * j) & 63] : '=');
    }
  }
  return out;
}

// There is one spelling for what is accepted.
void LookAtCredentials(std::string_view token) {
  ArenaPool pool;
  Arena arena(pool);
  const Result<BasicCredentials> out = ParseBasicCredentials(token, arena);
  if (!out) {
    Check(!out.error().message.empty());
    return;
  }
  Check(!out->user.empty() && out->user.find(':') == std::string_view::npos);
  Check(!HasControl(out->user) && !HasControl(out->password));
  Check(Encode(std::string(out->user) + ":" + std::string(out->password)) == token);
}

void LookAtFile(std::string_view text) {
  const auto lines = static_cast<uint32_t>(std::count(text.begin(), text.end(), '\n') + 1);
  uint32_t last = 0;
  const auto entries = ParseHtpasswd(text, [&](uint32_t line, const std::string& message) {
    Check(line > last && line <= lines && !message.empty());
    last = line;
  });
  std::unordered_set<std::string> names;
  last = 0;
  for (const HtpasswdEntry& entry : entries) {
    Check(entry.line > last && entry.line <= lines);
    last = entry.line;
    Check(!entry.name.empty() && names.insert(entry.name).second && !HasControl(entry.name));
    Check(CheckPasswordHash(entry.hash).has_value());
    const Result<HtpasswdEntry> again = ParseHtpasswdLine(entry.name + ":" + entry.hash);
    Check(again && again->scheme == entry.scheme);
    // Longer than any that is right: refused before it is hashed.
    Check(!PasswordMatches(std::string(kMaxPasswordBytes + 1, 'x'), entry.hash));
  }
}

}  // namespace
}  // namespace gatehouse::filters

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = std::min(input.find('\n'), input.size());
  gatehouse::filters::LookAtCredentials(input.substr(0, end));
  gatehouse::filters::LookAtFile(input.substr(std::min(end + 1, input.size())));
  return 0;
}

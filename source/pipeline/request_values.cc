// SPDX-License-Identifier: Apache-2.0
#include "source/pipeline/request_values.h"

namespace gatehouse::pipeline {
namespace {

// Takes one decoded byte from the front of `raw`, which must not be empty.
char TakeDecoded(std::string_view& raw) {
  const char c = raw.front();
  if (c == '%' && raw.size() >= 3) {
    const int high = HexDigit(raw[1]);
    const int low = HexDigit(raw[2]);
    if (high >= 0 && low >= 0) {
      raw.remove_prefix(3);
      return static_cast<char>(high << 4 | low);
    }
  }
  raw.remove_prefix(1);
  return c == '+' ? ' ' : c;
}

}  // namespace

std::string_view QueryDecoder::Decode(std::string_view raw) {
  if (raw.find_first_of("%+") == std::string_view::npos) {
    return raw;
  }
  if (raw.data() == last_raw_.data() && raw.size() == last_raw_.size()) {
    return last_decoded_;
  }
  char* out = raw.size() <= buffer_.size() ? buffer_.data()
                                           : static_cast<char*>(arena_.Allocate(raw.size()));
  last_raw_ = raw;
  size_t size = 0;
  while (!raw.empty()) {
    out[size++] = TakeDecoded(raw);
  }
  last_decoded_ = {out, size};
  return last_decoded_;
}

bool QueryDecoder::Equals(std::string_view raw, std::string_view text) {
  if (raw.size() < text.size()) {
    return false;
  }
  for (const char c : text) {
    if (raw.empty() || TakeDecoded(raw) != c) {
      return false;
    }
  }
  return raw.empty();
}

}  // namespace gatehouse::pipeline

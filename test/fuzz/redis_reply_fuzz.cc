// SPDX-License-Identifier: Apache-2.0
// Any bytes as what a Redis sends: the same answers come of them however they are cut, and none is
// larger than it may be. The first byte is the size of the pieces.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "source/base/check.h"
#include "source/proxy/redis/reply_reader.h"

namespace gatehouse::redis {
namespace {

size_t Bytes(const pipeline::RedisValue& value) {
  size_t out = value.text.size();
  for (const pipeline::RedisValue& element : value.elements) {
    out += Bytes(element);
  }
  return out;
}

std::string Text(const pipeline::RedisValue& value) {
  std::string out = std::to_string(static_cast<int>(value.kind)) + ":" +
                    std::to_string(value.integer) + std::string(value.text) + "[";
  for (const pipeline::RedisValue& element : value.elements) {
    out += Text(element) + ",";
  }
  return out + "]";
}

// The answers, the last one being the error if there is one.
std::vector<std::string> Answers(std::string_view bytes, size_t piece) {
  ReplyReader reader;
  std::vector<std::string> out;
  while (!bytes.empty()) {
    reader.Feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    for (auto next = reader.Next();; next = reader.Next()) {
      if (!next) {
        out.push_back(next.error().message);
        return out;
      }
      if (*next == nullptr) {
        break;
      }
      GATEHOUSE_CHECK(Bytes((*next)->value) <= ReplyReader::kMaxBytes, "larger than it may be");
      out.push_back(((*next)->is_error ? "error " : "") + Text((*next)->value));
    }
  }
  return out;
}

}  // namespace
}  // namespace gatehouse::redis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 1 && size < 16 * 1024) {
    const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
    const auto whole = gatehouse::redis::Answers(bytes, bytes.size());
    GATEHOUSE_CHECK(whole == gatehouse::redis::Answers(bytes, size_t{data[0]} + 1),
                    "it matters how bytes are cut");
  }
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Header blocks as tests spell them.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/http/h2/field_list.h"
#include "source/http/h2/header_block.h"

namespace gatehouse::http {

using Pair = std::pair<std::string, std::string>;
using Pairs = std::vector<Pair>;

// The pseudo-header fields of an ordinary request, and `more`.
inline Pairs Request(Pairs more = {}, std::string_view method = "GET", std::string_view path = "/t",
                     std::string_view authority = "a.test") {
  Pairs pairs = {{":method", std::string(method)},
                 {":scheme", "https"},
                 {":authority", std::string(authority)},
                 {":path", std::string(path)}};
  pairs.insert(pairs.end(), more.begin(), more.end());
  return pairs;
}

// Gives `pairs` to a block that has begun; "" or why they are refused.
template <typename Block>
std::string Feed(Block& block, const Pairs& pairs, bool end = true) {
  for (const auto& [name, value] : pairs) {
    block.Add(name, value, false);
  }
  return block.Finish(end).reason;
}

// What a peer would get.
inline Pairs ToPairs(FieldList::Pairs list) {
  Pairs pairs;
  const auto text = [](const uint8_t* bytes, size_t size) {
    return std::string(reinterpret_cast<const char*>(bytes), size);
  };
  for (const nghttp2_nv& pair : list) {
    pairs.emplace_back(text(pair.name, pair.namelen), text(pair.value, pair.valuelen));
  }
  return pairs;
}

// "name: value" lines.
inline std::string Lines(const Pairs& pairs) {
  std::string out;
  for (const auto& [name, value] : pairs) {
    out += name + ": " + value + "\n";
  }
  return out;
}
inline std::string Lines(const Headers& headers) {
  Pairs pairs;
  headers.ForEach([&](const Field& field) { pairs.emplace_back(field.name, field.value); });
  return Lines(pairs);
}

}  // namespace gatehouse::http

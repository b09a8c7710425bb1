// SPDX-License-Identifier: Apache-2.0
// Writes small MaxMind databases for tests (the format is described in MaxMind-DB-spec.md, version
// 2.0): addresses of both families, 24 bits a record, {"country": {"iso_code": ...}}.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/base/ip.h"

namespace gatehouse::filters {

class MadeCountryDb {
 public:
  // Blocks that don't overlap, and the countries they belong to.
  static std::string Of(const std::vector<std::pair<std::string, std::string>>& countries) {
    MadeCountryDb made;
    std::string data;
    for (const auto& [block, code] : countries) {
      made.Insert(*ParseCidr(block), static_cast<int64_t>(data.size()));
      data += Map(1) + Text("country") + Map(1) + Text("iso_code") + Text(code);
    }
    return made.Tree() + std::string(16, '\0') + data + made.Metadata();
  }

 private:
  // -1: nothing; from 0: another node; from kData: an offset into the data.
  static constexpr int64_t kData = int64_t{1} << 40;

  static std::string Map(size_t entries) { return {static_cast<char>(7 << 5 | entries)}; }
  static std::string Text(std::string_view text) {
    return static_cast<char>(2 << 5 | text.size()) + std::string(text);
  }
  static std::string Number(int type, size_t bytes, uint64_t value) {
    std::string out = type < 8 ? std::string(1, static_cast<char>(type << 5 | bytes))
                               : std::string{static_cast<char>(bytes), static_cast<char>(type - 7)};
    for (size_t i = bytes; i-- > 0;) {
      out.push_back(static_cast<char>(value >> (8 * i)));
    }
    return out;
  }

  // IPv4 has its place at ::/96.
  void Insert(const Cidr& block, int64_t offset) {
    std::array<uint8_t, 16> bytes = block.base.bytes;
    if (block.base.IsV4()) {
      bytes[10] = bytes[11] = 0;
    }
    size_t node = 0;
    for (size_t bit = 0; bit < block.prefix; ++bit) {
      int64_t& link = nodes_[node][bytes[bit / 8] >> (7 - bit % 8) & 1];
      if (bit + 1 == block.prefix) {
        link = kData + offset;
      } else if (link < 0) {
        link = static_cast<int64_t>(nodes_.size());
        node = nodes_.size();
        nodes_.push_back({-1, -1});
        continue;
      } else {
        node = static_cast<size_t>(link);
      }
    }
  }

  std::string Tree() const {
    std::string out;
    const auto count = static_cast<int64_t>(nodes_.size());
    for (const auto& node : nodes_) {
      for (const int64_t link : node) {
        const int64_t record = link < 0 ? count : link < kData ? link : count + 16 + link - kData;
        for (int i = 2; i >= 0; --i) {
          out.push_back(static_cast<char>(record >> (8 * i)));
        }
      }
    }
    return out;
  }
  std::string Metadata() const {
    return "\xab\xcd\xefMaxMind.com" + Map(9) + Text("node_count") + Number(6, 4, nodes_.size()) +
           Text("record_size") + Number(5, 2, 24) + Text("ip_version") + Number(5, 2, 6) +
           Text("database_type") + Text("Made-Country") + Text("binary_format_major_version") +
           Number(5, 2, 2) + Text("binary_format_minor_version") + Number(5, 2, 0) +
           Text("build_epoch") + Number(9, 8, 1'700'000'000) + Text("languages") +
           std::string("\0\4", 2) + Text("description") + Map(0);
  }

  std::vector<std::array<int64_t, 2>> nodes_{{-1, -1}};
};

}  // namespace gatehouse::filters

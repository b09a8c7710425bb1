// SPDX-License-Identifier: Apache-2.0
#include "source/filters/security/cidr_set.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace gatehouse::filters {
namespace {

using V6 = unsigned __int128;

constexpr uint8_t kMappedBits = 96;

V6 AsNumber(const IpAddress& address) {
  V6 out = 0;
  for (const uint8_t byte : address.bytes) {
    out = out << 8 | byte;
  }
  return out;
}

uint32_t AsV4Number(const IpAddress& address) {
  return static_cast<uint32_t>(address.bytes[12]) << 24 | address.bytes[13] << 16 |
         address.bytes[14] << 8 | address.bytes[15];
}

// Borders of the union of `ranges`, whose ends are inside. The last border is left out when it
// would lie past the largest number.
template <typename Number>
std::vector<Number> Borders(std::vector<std::pair<Number, Number>> ranges) {
  std::sort(ranges.begin(), ranges.end());
  std::vector<Number> out;
  for (size_t i = 0; i < ranges.size();) {
    const Number begin = ranges[i].first;
    Number last = ranges[i].second;
    for (++i; i < ranges.size() && (ranges[i].first <= last || ranges[i].first == last + 1); ++i) {
      last = std::max(last, ranges[i].second);
    }
    out.push_back(begin);
    if (last == static_cast<Number>(-1)) {
      break;
    }
    out.push_back(last + 1);
  }
  out.shrink_to_fit();
  return out;
}

template <typename Number>
bool Inside(const std::vector<Number>& borders, Number number) {
  const Number* base = borders.data();
  size_t left = borders.size();
  if (left == 0) {
    return false;
  }
  while (left > 1) {
    const size_t half = left / 2;
    base += base[half - 1] <= number ? half : 0;  // A conditional move, never a jump.
    left -= half;
  }
  const size_t not_above = static_cast<size_t>(base - borders.data()) + (*base <= number ? 1 : 0);
  return not_above % 2 == 1;
}

}  // namespace

CidrSet::CidrSet(std::span<const Cidr> blocks) {
  std::vector<std::pair<uint32_t, uint32_t>> v4;
  std::vector<std::pair<V6, V6>> v6;
  const IpAddress mapped{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}};
  for (const Cidr& block : blocks) {
    if (block.base.IsV4() && block.prefix >= kMappedBits) {
      const uint32_t first = AsV4Number(block.base);
      const auto rest = static_cast<uint32_t>((uint64_t{1} << (128 - block.prefix)) - 1);
      v4.emplace_back(first, first | rest);
      continue;
    }
    const V6 first = AsNumber(block.base);
    const V6 rest = block.prefix == 0 ? ~V6{0} : (V6{1} << (128 - block.prefix)) - 1;
    v6.emplace_back(first, first | rest);
    if (block.Contains(mapped)) {
      v4.emplace_back(0, UINT32_MAX);  // "::/0" holds the IPv4 addresses too.
    }
  }
  v4_ = Borders(std::move(v4));
  v6_ = Borders(std::move(v6));
}

bool CidrSet::Contains(const IpAddress& address) const {
  return address.IsV4() ? Inside(v4_, AsV4Number(address)) : Inside(v6_, AsNumber(address));
}

uint64_t CidrSet::Fingerprint() const {
  uint64_t hash = 0xcbf29ce484222325;
  const auto mix = [&](uint64_t word) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 29;
  };
  mix(v4_.size());
  for (const uint32_t border : v4_) {
    mix(border);
  }
  for (const V6 border : v6_) {
    mix(static_cast<uint64_t>(border >> 64));
    mix(static_cast<uint64_t>(border));
  }
  return hash;
}

}  // namespace gatehouse::filters

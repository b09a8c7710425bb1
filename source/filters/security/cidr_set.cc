// SPDX-License-Identifier: Apache-2.0
#include "source/filters/security/cidr_set.h"

#include <algorithm>
#include <cstring>

namespace gatehouse::filters {
namespace {

constexpr uint8_t kMappedBits = 96;
constexpr AddressNumber kFirstMapped = AddressNumber{0xffff} << 32;
constexpr AddressNumber kLastMapped = kFirstMapped | UINT32_MAX;

uint64_t BigEndian(const uint8_t* bytes) {
  uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return __builtin_bswap64(word);
}

uint32_t V4NumberOf(const IpAddress& address) {
  return static_cast<uint32_t>(BigEndian(address.bytes.data() + 8));
}

// Borders of the union of ranges, which come in order. The last border is left out when it would
// lie past the largest number.
template <typename Number>
class Union {
 public:
  explicit Union(size_t ranges) { borders_.reserve(ranges * 2); }
  void Add(Number first, Number last) {
    if (!open_) {
      return;  // What is there reaches to the end.
    }
    if (!borders_.empty() && first <= borders_.back()) {
      if (static_cast<Number>(last + 1) <= borders_.back() && last != kHighest) {
        return;
      }
      borders_.pop_back();
    } else {
      borders_.push_back(first);
    }
    open_ = last != kHighest;
    if (open_) {
      borders_.push_back(last + 1);
    }
  }
  std::vector<Number> Take() {
    borders_.shrink_to_fit();
    return std::move(borders_);
  }

 private:
  static constexpr Number kHighest = static_cast<Number>(-1);
  std::vector<Number> borders_;
  bool open_ = true;
};

template <typename Range>
void Sort(std::vector<Range>& ranges) {
  if (!std::is_sorted(ranges.begin(), ranges.end())) {
    std::sort(ranges.begin(), ranges.end());
  }
}

BorderIndex<uint32_t> IndexOf(std::vector<uint64_t> ranges) {
  Sort(ranges);
  Union<uint32_t> all(ranges.size());
  for (const uint64_t range : ranges) {
    all.Add(static_cast<uint32_t>(range >> 32), static_cast<uint32_t>(range));
  }
  ranges = {};
  return BorderIndex<uint32_t>(all.Take());
}

BorderIndex<AddressNumber> IndexOf(std::vector<std::pair<AddressNumber, AddressNumber>> ranges) {
  Sort(ranges);
  Union<AddressNumber> all(ranges.size());
  for (const auto& [first, last] : ranges) {
    all.Add(first, last);
  }
  ranges = {};
  return BorderIndex<AddressNumber>(all.Take());
}

}  // namespace

AddressNumber NumberOf(const IpAddress& address) {
  return AddressNumber{BigEndian(address.bytes.data())} << 64 | BigEndian(address.bytes.data() + 8);
}

std::string BlockText(const Cidr& block) {
  const bool v4 = block.base.IsV4() && block.prefix >= kMappedBits;
  std::string out = block.base.ToString();
  if (block.prefix != 128) {
    out += "/" + std::to_string(block.prefix - (v4 ? kMappedBits : 0));
  }
  return out;
}

void AddressBlocks::Add(const Cidr& block) {
  const AddressNumber first = NumberOf(block.base);
  if (block.base.IsV4() && block.prefix >= kMappedBits) {
    const auto rest = static_cast<uint32_t>((uint64_t{1} << (128 - block.prefix)) - 1);
    AddV4(static_cast<uint32_t>(first), static_cast<uint32_t>(first) | rest);
    return;
  }
  const AddressNumber rest =
      block.prefix == 0 ? ~AddressNumber{0} : (AddressNumber{1} << (128 - block.prefix)) - 1;
  Add(first, first | rest);
}

void AddressBlocks::Add(AddressNumber first, AddressNumber last) {
  v6_.emplace_back(first, last);
  if (first <= kLastMapped && last >= kFirstMapped) {  // As "::/0" does.
    AddV4(static_cast<uint32_t>(std::max(first, kFirstMapped)),
          static_cast<uint32_t>(std::min(last, kLastMapped)));
  }
}

CidrSet::CidrSet(AddressBlocks blocks)
    : v4_(IndexOf(std::move(blocks.v4_))), v6_(IndexOf(std::move(blocks.v6_))) {}

CidrSet::CidrSet(std::span<const Cidr> blocks) {
  AddressBlocks all;
  for (const Cidr& block : blocks) {
    all.Add(block);
  }
  *this = CidrSet(std::move(all));
}

bool CidrSet::Contains(const IpAddress& address) const {
  const size_t below =
      address.IsV4() ? v4_.NotAbove(V4NumberOf(address)) : v6_.NotAbove(NumberOf(address));
  return below % 2 == 1;
}

}  // namespace gatehouse::filters

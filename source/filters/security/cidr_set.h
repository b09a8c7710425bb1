// SPDX-License-Identifier: Apache-2.0
// A set of address blocks, compiled for lookups: the sorted borders of what is inside.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "source/base/ip.h"
#include "source/filters/security/border_index.h"

namespace gatehouse::filters {

// An IPv6 address as a number; an IPv4 address has its mapped form (::ffff:a.b.c.d).
using AddressNumber = unsigned __int128;
AddressNumber NumberOf(const IpAddress& address);

// A block as people write it: "192.0.2.0/24", and "192.0.2.7" for a single address.
std::string BlockText(const Cidr& block);

// What a set is to be made of, in any order; blocks may overlap.
class AddressBlocks {
 public:
  void Add(const Cidr& block);
  // Both ends are inside; `last` is not below `first`.
  void AddV4(uint32_t first, uint32_t last) { v4_.push_back(uint64_t{first} << 32 | last); }
  // The same. IPv4 addresses that it spans in their mapped form are in it as such.
  void Add(AddressNumber first, AddressNumber last);

 private:
  friend class CidrSet;
  std::vector<uint64_t> v4_;  // The first above the last.
  std::vector<std::pair<AddressNumber, AddressNumber>> v6_;
};

// Immutable.
class CidrSet {
 public:
  CidrSet() = default;
  explicit CidrSet(AddressBlocks blocks);
  explicit CidrSet(std::span<const Cidr> blocks);

  bool Contains(const IpAddress& address) const;
  bool empty() const { return v4_.empty() && v6_.empty(); }
  // What it takes on the heap.
  size_t bytes() const { return v4_.bytes() + v6_.bytes(); }

 private:
  // An address is inside when an odd number of borders is not above it.
  BorderIndex<uint32_t> v4_;
  BorderIndex<AddressNumber> v6_;
};

}  // namespace gatehouse::filters

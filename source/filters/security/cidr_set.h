// SPDX-License-Identifier: Apache-2.0
// A set of address blocks, compiled for lookups: the sorted borders of what is inside.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "source/base/ip.h"

namespace gatehouse::filters {

// Immutable. A lookup is one branch-free binary search: about ten steps for a thousand blocks.
class CidrSet {
 public:
  CidrSet() = default;
  // Blocks may overlap.
  explicit CidrSet(std::span<const Cidr> blocks);

  bool Contains(const IpAddress& address) const;
  bool empty() const { return v4_.empty() && v6_.empty(); }
  // Equal sets have equal fingerprints, whatever blocks they were made of.
  uint64_t Fingerprint() const;

 private:
  using V6 = unsigned __int128;
  // An address is inside when an odd number of borders is not above it.
  std::vector<uint32_t> v4_;
  std::vector<V6> v6_;
};

}  // namespace gatehouse::filters

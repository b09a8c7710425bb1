// SPDX-License-Identifier: Apache-2.0
// Sorted numbers, and how many of them are not above a given one.
//
// Between the first and the last, a table tells by the distance from the first where to look: the
// few numbers there, or a table of their own when they are many. So a lookup takes one or two steps
// when the numbers are spread evenly, and some more when they crowd in places, as addresses do.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace gatehouse::filters {

// Immutable. Number: an unsigned integer. About a byte a number comes on top of the numbers.
template <typename Number>
class BorderIndex {
 public:
  BorderIndex() = default;
  // Sorted, each once; at most 2^27.
  explicit BorderIndex(std::vector<Number> borders) : borders_(std::move(borders)) {
    if (borders_.size() > kLeaf) {
      nodes_.push_back(NodeOf(0, borders_.size()));
      for (size_t i = 0; i < nodes_.size(); ++i) {
        Fill(i);
      }
      nodes_.shrink_to_fit();
      slots_.shrink_to_fit();
    }
  }

  size_t NotAbove(Number number) const {
    if (nodes_.empty()) {
      return CountIn(0, borders_.size(), number);
    }
    const Node* node = nodes_.data();
    for (;;) {
      if (number < node->first) {
        return node->begin;
      }
      if (number >= node->last) {
        return node->end;
      }
      const uint32_t slot = slots_[node->slots + Distance(*node, number)];
      const uint32_t length = slot & kLengthMask;
      if (length != kLengthMask) {
        return CountIn(slot >> kLengthBits, length, number);
      }
      node = &nodes_[slot >> kLengthBits];
    }
  }

  bool empty() const { return borders_.empty(); }
  size_t bytes() const {
    return borders_.capacity() * sizeof(Number) + nodes_.capacity() * sizeof(Node) +
           slots_.capacity() * sizeof(uint32_t);
  }

 private:
  static constexpr size_t kLeaf = 16;
  static constexpr unsigned kLengthBits = 5;
  static constexpr uint32_t kLengthMask = (1 << kLengthBits) - 1;  // Of a slot: it has a node.

  struct Node {
    Number first;
    Number last;
    uint32_t begin;  // The borders from here
    uint32_t end;    // to here.
    uint32_t slots;
    uint32_t shift;
  };

  static unsigned WidthOf(Number number) {
    if constexpr (sizeof(Number) > sizeof(uint64_t)) {
      const auto high = static_cast<uint64_t>(number >> 64);
      return high != 0 ? 64 + static_cast<unsigned>(std::bit_width(high))
                       : static_cast<unsigned>(std::bit_width(static_cast<uint64_t>(number)));
    } else {
      return static_cast<unsigned>(std::bit_width(number));
    }
  }

  static size_t Distance(const Node& node, Number number) {
    return static_cast<size_t>(static_cast<Number>(number - node.first) >> node.shift);
  }

  // Its table has about one slot for each six numbers.
  Node NodeOf(size_t begin, size_t end) {
    const Number first = borders_[begin];
    const Number last = borders_[end - 1];
    const unsigned bits = WidthOf(static_cast<uint32_t>(end - begin)) - 3;
    const unsigned width = WidthOf(static_cast<Number>(last - first));
    const Node node{first,
                    last,
                    static_cast<uint32_t>(begin),
                    static_cast<uint32_t>(end),
                    static_cast<uint32_t>(slots_.size()),
                    width > bits ? width - bits : 0};
    slots_.resize(slots_.size() + Distance(node, last) + 1);
    return node;
  }

  void Fill(size_t index) {
    const Node node = nodes_[index];
    size_t at = node.begin;
    const size_t count = Distance(node, node.last) + 1;
    for (size_t slot = 0; slot < count; ++slot) {
      const size_t begin = at;
      while (at < node.end && Distance(node, borders_[at]) == slot) {
        ++at;
      }
      if (at - begin <= kLeaf) {
        slots_[node.slots + slot] = static_cast<uint32_t>(begin << kLengthBits | (at - begin));
      } else {
        slots_[node.slots + slot] =
            static_cast<uint32_t>(nodes_.size() << kLengthBits | kLengthMask);
        nodes_.push_back(NodeOf(begin, at));
      }
    }
  }

  size_t CountIn(size_t begin, size_t left, Number number) const {
    const Number* base = borders_.data() + begin;
    if (left == 0) {
      return begin;
    }
    while (left > 1) {
      const size_t half = left / 2;
      base += base[half - 1] <= number ? half : 0;  // A conditional move, never a jump.
      left -= half;
    }
    return static_cast<size_t>(base - borders_.data()) + (*base <= number ? 1 : 0);
  }

  std::vector<Number> borders_;
  std::vector<Node> nodes_;  // The first is the whole; none when the borders are few.
  std::vector<uint32_t> slots_;
};

}  // namespace gatehouse::filters

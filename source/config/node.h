// SPDX-License-Identifier: Apache-2.0
// The tree of a parsed document, made small: files hold tens of thousands of routes.
//
// A node is 24 bytes, an entry of a mapping 40; text is stored once, however often it occurs. An
// alias is a node of its own that shares what is below its anchor.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "source/config/diagnostics.h"

namespace gatehouse::config {

enum class Kind : uint8_t { kNull, kScalar, kList, kMap };

struct Entry;

struct Node {
  static constexpr uint8_t kQuoted = 1;           // Written in quotes or as a block.
  static constexpr uint8_t kFromEnvironment = 2;  // A variable was expanded into it.
  static constexpr uint8_t kUnusable = 4;         // Its expansion failed and was reported.

  union {
    const char* text = nullptr;
    const Node* first_element;
    const Entry* first_entry;
  };
  uint32_t size = 0;  // Bytes, elements or entries.
  uint32_t line = 0;
  uint32_t column = 0;
  uint16_t file = 0;
  Kind kind = Kind::kNull;
  uint8_t flags = 0;

  bool Is(uint8_t flag) const { return (flags & flag) != 0; }
  Position position() const { return {file, line, column}; }
  // Empty when the node is of another kind.
  std::string_view scalar() const {
    return kind == Kind::kScalar ? std::string_view(text, size) : std::string_view();
  }
  std::span<const Node> elements() const {
    return {kind == Kind::kList ? first_element : nullptr, kind == Kind::kList ? size : 0};
  }
  std::span<const Entry> entries() const;
};

struct Entry {
  const std::string_view* key = nullptr;  // Equal keys of one document are the same pointer.
  uint32_t line = 0;                      // Of the key.
  uint32_t column = 0;
  Node value;

  Position key_position() const { return {value.file, line, column}; }
};

inline std::span<const Entry> Node::entries() const {
  return {kind == Kind::kMap ? first_entry : nullptr, kind == Kind::kMap ? size : 0};
}

static_assert(sizeof(Node) == 24 && sizeof(Entry) == 40);

}  // namespace gatehouse::config

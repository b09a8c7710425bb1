// SPDX-License-Identifier: Apache-2.0
// A JSON object as a flat list of names and plain values: the claims of a token, its header.
//
// Strict: names that come twice in one object, deep nesting, anything but one object, anything
// after it, and bytes that are not UTF-8 are refused. By nlohmann's SAX reader, which takes half
// the time that building jansson's tree does (0.75 µs against 1.5 µs for 59 bytes, 4.6 against 11
// for 368).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::filters {

enum class JsonKind : uint8_t { kString, kNumber, kBool, kNull, kList, kObject };

// Reused from one text to the next, so that reading needs no memory in steady state. What it hands
// out is valid until the next Parse(). Not thread-safe.
class FlatJson {
 public:
  static constexpr size_t kMaxDepth = 16;
  static constexpr size_t kMaxValues = 1024;
  static constexpr size_t kMaxTextBytes = 128 * 1024;

  // A text, number or boolean. Those of a list come one by one with the list's name; what is nested
  // has its path for a name, joined by dots, and gives way to a member that is called so itself.
  // Nulls, empty lists and empty objects have none.
  struct Value {
    std::string_view name;
    std::string_view value;  // Unescaped; numbers and booleans as they are written.
    JsonKind kind = JsonKind::kString;
    bool top = false;     // Of a member of the object itself, not of one further inside.
    bool listed = false;  // An element of a list.
  };
  // A member of the object itself.
  struct Member {
    std::string_view name;
    JsonKind kind = JsonKind::kNull;
    std::string_view value{};  // Of plain values.
  };

  // False, and why() says so, when `text` is refused.
  bool Parse(std::string_view text);
  // A phrase without anything of the text.
  std::string_view why() const { return why_; }

  std::span<const Value> values() const { return values_; }
  std::span<const Member> members() const { return members_; }
  // Null when there is none.
  const Member* Find(std::string_view name) const;
  // What all names and values are views into.
  std::string_view text() const { return text_; }

 private:
  class Reader;
  void DropShadowed();

  std::string text_;
  size_t room_ = 0;                     // How long it may become; it never moves while it grows.
  std::vector<std::string_view> keys_;  // Of the objects that are open.
  std::vector<Value> values_;
  std::vector<Member> members_;
  std::string_view why_;
};

}  // namespace gatehouse::filters

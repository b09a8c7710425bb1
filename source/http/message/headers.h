// SPDX-License-Identifier: Apache-2.0
// The fields of one head or trailer section, in order, in the stream's arena.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "source/base/arena.h"
#include "source/http/message/names.h"

namespace gatehouse::http {

struct Field {
  std::string_view name;   // As received; empty for a removed field.
  std::string_view value;  // Without surrounding whitespace.
  Known known = Known::kNone;
  // HTTP/2 peers asked that no compression ever remember it: what sends it on says so too (RFC 7541
  // section 6.2.3).
  bool never_indexed = false;
  // Bytes of the line as received, CRLF included, starting at name.data(); 0 when the field was
  // added or changed. Neighbouring untouched lines leave in one piece.
  uint32_t line_bytes = 0;
  // Index + 1 of the next field with the same known name; 0 ends the list.
  uint16_t next_same = 0;
};

// Names and values are views: into the received head or the arena, both of which live as long as
// the stream. Removed fields keep their place, so indices stay valid. At most kMaxFields fields.
class Headers {
 public:
  static constexpr size_t kMaxFields = 4096;

  explicit Headers(Arena& arena) : arena_(&arena) {}
  Headers(const Headers&) = delete;
  Headers& operator=(const Headers&) = delete;

  // Appends a field. The bytes must outlive the stream (string literal, arena, received head).
  // Returns false, and does nothing, past kMaxFields.
  bool Add(std::string_view name, std::string_view value) {
    return AddLine(LookUpName(name), name, value, 0);
  }
  // The parser's way in: `line_bytes` as in Field.
  bool AddLine(Known known, std::string_view name, std::string_view value, uint32_t line_bytes) {
    if (size_ == capacity_ && !Grow()) [[unlikely]] {
      return false;
    }
    // Member by member: a temporary would be read back before its stores have settled.
    Field& field = fields_[size_];
    field.name = name;
    field.value = value;
    field.known = known;
    field.never_indexed = false;
    field.line_bytes = line_bytes;
    field.next_same = 0;
    ++size_;
    ++live_;
    if (known != Known::kNone) {
      Link(known);
    }
    return true;
  }

  // Marks the field added last.
  void SetNeverIndexed() { fields_[size_ - 1].never_indexed = true; }

  // The first field with that name, or null.
  const Field* Find(Known known) const {
    const uint16_t first = first_[static_cast<size_t>(known)];
    return first == 0 ? nullptr : &fields_[first - 1];
  }
  const Field* Find(std::string_view name) const;
  // The next field of the same name after `field`, which must be one of ours.
  const Field* Next(const Field& field) const;
  std::string_view Value(Known known) const {
    const Field* field = Find(known);
    return field == nullptr ? std::string_view() : field->value;
  }
  // Whether the name appears at least once. An empty value is a presence too.
  bool Has(Known known) const { return first_[static_cast<size_t>(known)] != 0; }

  // Replaces all fields of that name by one. The bytes must outlive the stream.
  void Set(std::string_view name, std::string_view value);
  void Set(Known known, std::string_view value) { Set(NameOf(known), value); }
  // Removes all fields of that name.
  void Remove(std::string_view name);
  void Remove(Known known);

  // Live fields in order.
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (uint32_t i = 0; i < size_; ++i) {
      if (!fields_[i].name.empty()) {
        visit(fields_[i]);
      }
    }
  }
  // All slots, removed ones included: for the writer.
  const Field* begin() const { return fields_; }
  const Field* end() const { return fields_ + size_; }
  // Live fields.
  size_t count() const { return live_; }
  Arena& arena() const { return *arena_; }
  void Clear();

 private:
  // Makes room; false at the limit.
  bool Grow();
  // Appends the last field to the list of its name.
  void Link(Known known) {
    uint16_t* link = &first_[static_cast<size_t>(known)];
    while (*link != 0) {
      link = &fields_[*link - 1].next_same;
    }
    *link = static_cast<uint16_t>(size_);
  }
  void RemoveAt(Field& field);

  Arena* arena_;
  Field* fields_ = nullptr;
  uint32_t size_ = 0;
  uint32_t capacity_ = 0;
  uint32_t live_ = 0;
  std::array<uint16_t, kKnownCount> first_{};  // Index + 1; 0 is absent.
};

}  // namespace gatehouse::http

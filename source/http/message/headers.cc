// SPDX-License-Identifier: Apache-2.0
#include "source/http/message/headers.h"

#include <cstring>
#include <type_traits>

#include "source/base/text.h"

namespace gatehouse::http {
namespace {

constexpr uint32_t kFirstCapacity = 16;

}  // namespace

static_assert(std::is_trivially_copyable_v<Field>);

const Field* Headers::Find(std::string_view name) const {
  const Known known = LookUpName(name);
  if (known != Known::kNone) {
    return Find(known);
  }
  for (const Field* field = begin(); field != end(); ++field) {
    if (!field->name.empty() && EqualsIgnoreCase(field->name, name)) {
      return field;
    }
  }
  return nullptr;
}

const Field* Headers::Next(const Field& field) const {
  if (field.known != Known::kNone) {
    return field.next_same == 0 ? nullptr : &fields_[field.next_same - 1];
  }
  for (const Field* next = &field + 1; next < end(); ++next) {
    if (!next->name.empty() && EqualsIgnoreCase(next->name, field.name)) {
      return next;
    }
  }
  return nullptr;
}

void Headers::Set(std::string_view name, std::string_view value) {
  auto* field = const_cast<Field*>(Find(name));
  if (field == nullptr) {
    Add(name, value);
    return;
  }
  while (const Field* extra = Next(*field)) {
    field->next_same = extra->next_same;
    RemoveAt(*const_cast<Field*>(extra));
  }
  field->name = name;
  field->value = value;
  field->line_bytes = 0;
}

void Headers::Remove(std::string_view name) {
  const Known known = LookUpName(name);
  if (known != Known::kNone) {
    Remove(known);
    return;
  }
  for (uint32_t i = 0; i < size_; ++i) {
    if (!fields_[i].name.empty() && EqualsIgnoreCase(fields_[i].name, name)) {
      RemoveAt(fields_[i]);
    }
  }
}

void Headers::Remove(Known known) {
  uint16_t at = first_[static_cast<size_t>(known)];
  first_[static_cast<size_t>(known)] = 0;
  while (at != 0) {
    Field& field = fields_[at - 1];
    at = field.next_same;
    RemoveAt(field);
  }
}

void Headers::Clear() {
  size_ = 0;
  live_ = 0;
  first_.fill(0);
}

bool Headers::Grow() {
  if (size_ >= kMaxFields) {
    return false;
  }
  const uint32_t capacity = capacity_ == 0 ? kFirstCapacity : capacity_ * 2;
  auto* fields = static_cast<Field*>(arena_->Allocate(capacity * sizeof(Field)));
  if (size_ != 0) {
    std::memcpy(fields, fields_, size_ * sizeof(Field));
  }
  fields_ = fields;
  capacity_ = capacity;
  return true;
}

void Headers::RemoveAt(Field& field) {
  field = Field();
  --live_;
}

}  // namespace gatehouse::http

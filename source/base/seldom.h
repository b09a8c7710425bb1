// SPDX-License-Identifier: Apache-2.0
// A member that seldom holds anything: a pointer's size while it does not.
#pragma once

#include <memory>
#include <utility>

namespace gatehouse {

// A T on the heap, or T{} without one. Reads like a const T, and like a container if T is one;
// Edit() gives it to be changed. Copies are deep. Not thread-safe while it is changed.
template <typename T>
class Seldom {
 public:
  Seldom() = default;
  Seldom(T value) : value_(std::make_unique<T>(std::move(value))) {}  // NOLINT: as T itself.
  Seldom(const Seldom& other)
      : value_(other.value_ == nullptr ? nullptr : std::make_unique<T>(*other.value_)) {}
  Seldom(Seldom&&) noexcept = default;
  Seldom& operator=(Seldom other) noexcept {
    value_.swap(other.value_);
    return *this;
  }
  ~Seldom() = default;

  // Whether there is one, be it T{}.
  bool has_value() const { return value_ != nullptr; }
  const T& operator*() const { return value_ == nullptr ? Nothing() : *value_; }
  const T* operator->() const { return &**this; }
  operator const T&() const { return **this; }  // NOLINT: as T itself.
  T& Edit() {
    if (value_ == nullptr) {
      value_ = std::make_unique<T>();
    }
    return *value_;
  }

  bool empty() const { return value_ == nullptr || value_->empty(); }
  size_t size() const { return (**this).size(); }
  auto begin() const { return (**this).begin(); }
  auto end() const { return (**this).end(); }
  const auto& operator[](size_t at) const { return (**this)[at]; }

 private:
  static const T& Nothing() {
    static const T nothing{};
    return nothing;
  }

  std::unique_ptr<T> value_;
};

}  // namespace gatehouse

// SPDX-License-Identifier: Apache-2.0
// Lists through their elements: an element is in such a list at most once, and leaves it from
// wherever it is.
#pragma once

namespace gatehouse::http {

template <typename T>
struct ListLink {
  T* previous = nullptr;
  T* next = nullptr;
  bool linked = false;
};

template <typename T, ListLink<T> T::* kLink>
class List {
 public:
  bool empty() const { return first_ == nullptr; }
  T* front() const { return first_; }

  // Does nothing when it is in the list.
  void PushBack(T& element) {
    ListLink<T>& link = element.*kLink;
    if (link.linked) {
      return;
    }
    link = {last_, nullptr, true};
    (last_ == nullptr ? first_ : (last_->*kLink).next) = &element;
    last_ = &element;
  }

  // Does nothing when it isn't.
  void Remove(T& element) {
    ListLink<T>& link = element.*kLink;
    if (!link.linked) {
      return;
    }
    (link.previous == nullptr ? first_ : (link.previous->*kLink).next) = link.next;
    (link.next == nullptr ? last_ : (link.next->*kLink).previous) = link.previous;
    link = {};
  }

  // Null when empty.
  T* PopFront() {
    T* const element = first_;
    if (element != nullptr) {
      Remove(*element);
    }
    return element;
  }

 private:
  T* first_ = nullptr;
  T* last_ = nullptr;
};

}  // namespace gatehouse::http

// SPDX-License-Identifier: Apache-2.0
// Who waits for a connection, and the lists of those who wait for the same one.
#pragma once

#include <cstdint>
#include <memory>

#include "source/base/clock.h"
#include "source/base/error.h"
#include "source/upstream/endpoint.h"

namespace gatehouse::upstream {

class Connection;

// Somebody who asked for a connection. Gets exactly one of the two calls, never from inside
// Acquire(), unless cancelled.
class Waiter {
 public:
  // A request can be started on `connection`, within this call.
  virtual void OnConnection(Connection& connection) = 0;
  virtual void OnNoConnection(const Error& error) = 0;

 protected:
  ~Waiter() = default;
  // Whether it waits because of the cluster's limits, and none is being opened for it.
  bool queued() const { return queued_; }

 private:
  friend class ClusterPool;
  friend class WaiterList;
  std::shared_ptr<const Endpoint> wanted_;
  Connection* connection_ = nullptr;  // The one in whose list it stands.
  Waiter* next_ = nullptr;
  Waiter* previous_ = nullptr;
  MonotonicTime give_up_{};
  bool queued_ = false;
  bool upgrade_ = false;  // Only one that takes a request for an upgrade is of use.
  bool refused_ = false;  // No such one can be had.
};

// First come, first served. Owns nobody; a waiter is in one list at most.
class WaiterList {
 public:
  Waiter* first() const { return first_; }
  bool empty() const { return first_ == nullptr; }
  uint32_t size() const { return size_; }

  void Add(Waiter& waiter) {
    waiter.next_ = nullptr;
    waiter.previous_ = last_;
    (last_ == nullptr ? first_ : last_->next_) = &waiter;
    last_ = &waiter;
    ++size_;
  }
  // REQUIRES: `waiter` is in this list.
  void Remove(Waiter& waiter) {
    (waiter.previous_ == nullptr ? first_ : waiter.previous_->next_) = waiter.next_;
    (waiter.next_ == nullptr ? last_ : waiter.next_->previous_) = waiter.previous_;
    waiter.next_ = waiter.previous_ = nullptr;
    --size_;
  }

 private:
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
  uint32_t size_ = 0;
};

}  // namespace gatehouse::upstream

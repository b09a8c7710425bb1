// SPDX-License-Identifier: Apache-2.0
// Passwords that are being hashed, off the worker: each question once, however many streams ask it,
// and one at a time, so that a flood of wrong passwords leaves the background threads to others.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "source/base/digest.h"
#include "source/filters/auth/verified_pairs.h"
#include "source/pipeline/services.h"

namespace gatehouse::filters {

class PasswordChecks;

// Who waits for an answer. Going away ends the wait.
class PasswordWait {
 public:
  PasswordWait(const PasswordWait&) = delete;
  PasswordWait& operator=(const PasswordWait&) = delete;

 protected:
  PasswordWait() = default;
  ~PasswordWait() { Leave(); }
  void Leave();
  // Once, on the worker. May destroy this.
  virtual void OnChecked(bool matches) = 0;

 private:
  friend class PasswordChecks;
  struct Question* question_ = nullptr;
  PasswordChecks* checks_ = nullptr;
  PasswordWait* previous_ = nullptr;
  PasswordWait* next_ = nullptr;
};

// One worker's. Outlives those who wait, and is idle without them.
class PasswordChecks {
 public:
  // `under_way` counts the questions of all workers; it outlives this.
  PasswordChecks(std::atomic<uint32_t>& under_way, uint32_t max_under_way);
  ~PasswordChecks();
  PasswordChecks(const PasswordChecks&) = delete;
  PasswordChecks& operator=(const PasswordChecks&) = delete;

  enum class Asked : uint8_t { kNew, kJoined, kTooMany };

  // Asks whether `password` has `hash`; equal questions have equal digests. Answered by
  // OnChecked(), never within the call.
  Asked Ask(const Sha256Digest& digest, std::string_view password, std::string_view hash,
            PasswordWait& wait, pipeline::Services& services);

 private:
  friend class PasswordWait;
  void Leave(PasswordWait& wait);
  void Forget(Question& question);
  void StartNext();
  void OnHashed();

  std::atomic<uint32_t>& under_way_;
  uint32_t max_under_way_;
  pipeline::Services* services_ = nullptr;
  std::unordered_map<Sha256Digest, std::unique_ptr<Question>, DigestHash> questions_;
  std::deque<Question*> queue_;
  Question* running_ = nullptr;
  std::unique_ptr<pipeline::Pending> pending_;
};

}  // namespace gatehouse::filters

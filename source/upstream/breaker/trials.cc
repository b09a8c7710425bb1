// SPDX-License-Identifier: Apache-2.0
#include "source/upstream/breaker/trials.h"

namespace gatehouse::upstream {
namespace {

struct Results {
  uint32_t phase = 0;
  uint32_t left = 0;
  uint32_t good = 0;
  uint32_t failed = 0;
  uint32_t slow = 0;

  static Results Of(uint64_t word) {
    const auto field = [&](int at) {
      return static_cast<uint32_t>(word >> at) & TrialPhase::kMaxPlaces;
    };
    return {static_cast<uint32_t>(word >> 40), field(30), field(20), field(10), field(0)};
  }
  uint64_t Word() const {
    return uint64_t{phase} << 40 | uint64_t{left} << 30 | uint64_t{good} << 20 |
           uint64_t{failed} << 10 | slow;
  }
};

struct Others {
  uint32_t phase = 0;
  uint32_t none = 0;  // Twice the places at most.
  uint32_t answering = 0;

  static Others Of(uint64_t word) {
    return {static_cast<uint32_t>(word >> 40), static_cast<uint32_t>(word >> 20) & 0xf'ffff,
            static_cast<uint32_t>(word) & 0xf'ffff};
  }
  uint64_t Word() const {
    return uint64_t{phase} << 40 | uint64_t{none} << 20 | uint64_t{answering};
  }
};

// Changes `word`, unless it is of another phase or `change` says that there is nothing to change.
template <typename Fields, typename Change>
bool Edit(std::atomic<uint64_t>& word, uint32_t phase, Change change) {
  uint64_t seen = word.load(std::memory_order_acquire);
  Fields fields;
  do {
    fields = Fields::Of(seen);
    if (fields.phase != phase || !change(fields)) {
      return false;
    }
  } while (!word.compare_exchange_weak(seen, fields.Word(), std::memory_order_acq_rel));
  return true;
}

}  // namespace

void TrialPhase::Begin(uint32_t phase) {
  others_.store(Others{phase, 0, 0}.Word(), std::memory_order_release);
  results_.store(Results{phase, places_, 0, 0, 0}.Word(), std::memory_order_release);
}

// Who sees that a place is taken sees when.
bool TrialPhase::Take(uint32_t phase, int64_t now) {
  return Edit<Results>(results_, phase, [&](Results& results) {
    if (results.left == 0) {
      return false;
    }
    --results.left;
    taken_.store(now, std::memory_order_relaxed);
    return true;
  });
}

void TrialPhase::GiveBack(uint32_t phase) {
  uint32_t none = 0;
  const bool lasts = Edit<Others>(others_, phase, [&](Others& others) {
    none = ++others.none;
    return true;
  });
  if (lasts && none <= places_) {
    (void)Edit<Results>(results_, phase, [](Results& results) {
      ++results.left;
      return true;
    });
  }
}

void TrialPhase::Answer(uint32_t phase, int64_t now) {
  answered_.store(now, std::memory_order_relaxed);
  (void)Edit<Others>(others_, phase, [](Others& others) {
    ++others.answering;
    return true;
  });
}

// One that answered is for a moment in neither number, never in both (see Counts()).
void TrialPhase::Count(uint32_t phase, bool answered, bool failed, bool slow) {
  if (answered) {
    (void)Edit<Others>(others_, phase, [](Others& others) {
      --others.answering;
      return true;
    });
  }
  (void)Edit<Results>(results_, phase, [&](Results& results) {
    ++(failed ? results.failed : results.good);
    results.slow += slow ? 1 : 0;
    return true;
  });
}

void TrialPhase::Revoke(uint32_t phase) {
  (void)Edit<Results>(results_, phase, [](Results& results) {
    --results.good;
    ++results.failed;
    return true;
  });
}

TrialCounts TrialPhase::Counts() const {
  const Results results = Results::Of(results_.load(std::memory_order_acquire));
  const Others others = Others::Of(others_.load(std::memory_order_acquire));
  return {results.phase,
          results.left,
          results.good,
          results.failed,
          results.slow,
          others.phase == results.phase ? others.answering : 0,
          others.phase == results.phase && others.none > places_ ? others.none - places_ : 0};
}

}  // namespace gatehouse::upstream

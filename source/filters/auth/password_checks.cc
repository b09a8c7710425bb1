// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/password_checks.h"

#include <string.h>

#include <algorithm>
#include <utility>

#include "source/filters/auth/password_hash.h"

namespace gatehouse::filters {
namespace {

// What a background thread gets: all its own, as it may still run when nobody waits any more.
struct Work {
  Work(std::string_view password_in, std::string_view hash_in)
      : password(password_in), hash(hash_in) {}
  ~Work() { explicit_bzero(password.data(), password.size()); }
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  void Run() {
    skipped = unwanted.load(std::memory_order_relaxed);
    matches = !skipped && PasswordMatches(password, hash);
  }

  std::string password;
  const std::string hash;
  std::atomic<bool> unwanted{false};
  // Read when the work has ended.
  bool skipped = false;
  bool matches = false;
};

}  // namespace

struct Question {
  Question(const Sha256Digest& digest_in, std::string_view password, std::string_view hash)
      : digest(digest_in), work(std::make_shared<Work>(password, hash)) {}

  const Sha256Digest digest;
  const std::shared_ptr<Work> work;
  PasswordWait* first = nullptr;  // Who waits.
  bool answered = false;
};

void PasswordWait::Leave() {
  if (question_ != nullptr) {
    checks_->Leave(*this);
  }
}

PasswordChecks::PasswordChecks(std::atomic<uint32_t>& under_way, uint32_t max_under_way)
    : under_way_(under_way), max_under_way_(max_under_way) {}
PasswordChecks::~PasswordChecks() = default;

PasswordChecks::Asked PasswordChecks::Ask(const Sha256Digest& digest, std::string_view password,
                                          std::string_view hash, PasswordWait& wait,
                                          pipeline::Services& services) {
  const auto known = questions_.find(digest);
  Question* question = known == questions_.end() ? nullptr : known->second.get();
  const bool is_new = question == nullptr;
  if (is_new) {
    if (under_way_.fetch_add(1, std::memory_order_relaxed) >= max_under_way_) {
      under_way_.fetch_sub(1, std::memory_order_relaxed);
      return Asked::kTooMany;
    }
    auto made = std::make_unique<Question>(digest, password, hash);
    question = made.get();
    questions_.emplace(digest, std::move(made));
    queue_.push_back(question);
  }
  question->work->unwanted.store(false, std::memory_order_relaxed);
  wait.question_ = question;
  wait.checks_ = this;
  wait.previous_ = nullptr;
  wait.next_ = question->first;
  if (question->first != nullptr) {
    question->first->previous_ = &wait;
  }
  question->first = &wait;
  services_ = &services;
  StartNext();
  return is_new ? Asked::kNew : Asked::kJoined;
}

void PasswordChecks::StartNext() {
  if (running_ != nullptr || queue_.empty()) {
    return;
  }
  running_ = queue_.front();
  queue_.pop_front();
  pending_ =
      services_->Background([work = running_->work] { work->Run(); }, [this] { OnHashed(); });
}

void PasswordChecks::Leave(PasswordWait& wait) {
  Question& question = *wait.question_;
  (wait.previous_ == nullptr ? question.first : wait.previous_->next_) = wait.next_;
  if (wait.next_ != nullptr) {
    wait.next_->previous_ = wait.previous_;
  }
  wait.question_ = nullptr;
  if (question.first != nullptr || question.answered) {
    return;
  }
  question.work->unwanted.store(true, std::memory_order_relaxed);
  if (&question != running_) {
    queue_.erase(std::find(queue_.begin(), queue_.end(), &question));
    Forget(question);
  }
  // What runs goes on as long as others wait behind it. Without them nobody may be left to hear of
  // its end: this may be gone by then.
  if (running_ != nullptr && running_->first == nullptr && queue_.empty()) {
    pending_ = nullptr;
    Forget(*std::exchange(running_, nullptr));
  }
}

void PasswordChecks::Forget(Question& question) {
  under_way_.fetch_sub(1, std::memory_order_relaxed);
  questions_.erase(Sha256Digest(question.digest));  // A copy: it goes with the question.
}

void PasswordChecks::OnHashed() {
  pending_ = nullptr;
  Question& hashed = *std::exchange(running_, nullptr);
  if (hashed.work->skipped && hashed.first != nullptr) {
    queue_.push_front(&hashed);  // Nobody wanted it then, and now somebody does.
    StartNext();
    return;
  }
  const std::unique_ptr<Question> answered = std::move(questions_.find(hashed.digest)->second);
  Forget(*answered);
  answered->answered = true;
  StartNext();
  // Each may take streams down, and with the last one this: nothing here is touched any more.
  while (answered->first != nullptr) {
    PasswordWait& wait = *answered->first;
    answered->first = wait.next_;
    if (wait.next_ != nullptr) {
      wait.next_->previous_ = nullptr;
    }
    wait.question_ = nullptr;
    wait.OnChecked(answered->work->matches);
  }
}

}  // namespace gatehouse::filters

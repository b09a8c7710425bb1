// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/key_source.h"

#include <utility>

#include "source/base/log.h"
#include "source/config/document.h"

namespace gatehouse::filters {
namespace {

// A fetch, then making keys of what came, in the background.
class KeyFetch final : public pipeline::Pending {
 public:
  KeyFetch(pipeline::Services& services, std::shared_ptr<KeySource> source,
           std::function<void(bool)> done)
      : services_(services), source_(std::move(source)), done_(std::move(done)) {
    const KeySourceSettings& settings = source_->settings();
    pipeline::FetchRequest request;
    request.cluster = settings.url.cluster;
    request.host = settings.url.host;
    request.target = settings.url.target;
    request.headers = {{"accept", "application/json"}};
    request.timeout = settings.timeout;
    request.max_response_bytes = JwkSet::kMaxTextBytes;
    call_ = services_.Fetch(std::move(request), [this](Result<pipeline::FetchResponse> response) {
      OnResponse(std::move(response));
    });
  }

 private:
  void OnResponse(Result<pipeline::FetchResponse> response) {
    if (!response) {
      OnEnd(tl::unexpected(response.error()));
      return;
    }
    // Redirects are not followed: the keys come from where the configuration says.
    if (response->status != 200) {
      OnEnd(Fail(ErrorCode::kMalformedResponse, ErrorSource::kUpstream,
                 "the answer has status " + std::to_string(response->status)));
      return;
    }
    // Work that runs can't be taken back; what it needs it holds.
    auto text = std::make_shared<std::string>(std::move(response->body));
    auto result = std::make_shared<Result<void>>();
    making_ = services_.Background(
        [source = source_, text, result] { *result = source->Take(std::move(*text)); },
        [this, result] { OnEnd(*result); });
  }

  void OnEnd(Result<void> result) {
    const KeySourceSettings& settings = source_->settings();
    source_->Report(result);
    services_.Count(result ? settings.refreshed : settings.failed);
    done_(result.has_value());
  }

  pipeline::Services& services_;
  const std::shared_ptr<KeySource> source_;
  const std::function<void(bool)> done_;
  std::unique_ptr<pipeline::Pending> call_;
  std::unique_ptr<pipeline::Pending> making_;
};

std::string PlaceOf(const KeySourceSettings& settings) {
  // A query may hold a secret.
  const std::string& target = settings.url.target;
  return settings.path.empty() ? settings.url.cluster + target.substr(0, target.find('?'))
                               : settings.path;
}

}  // namespace

Result<void> KeySource::Take(std::string text) {
  const std::shared_ptr<const JwkSet> now = keys_.Get();
  if (now != nullptr && now->text() == text) {
    return {};
  }
  const uint64_t generation = generations_.fetch_add(1, std::memory_order_relaxed) + 1;
  auto made = JwkSet::Parse(std::move(text), settings_.rules, generation);
  if (!made) {
    return tl::unexpected(made.error());
  }
  keys_.Publish(std::move(*made));
  return {};
}

Result<void> KeySource::TakeFile() {
  stamp_.Publish(std::make_shared<FileStamp>(FileStamp::Of(settings_.path)));
  Result<std::string> text = config::ReadFile(settings_.path, JwkSet::kMaxTextBytes);
  return text ? Take(std::move(*text)) : Result<void>(tl::unexpected(text.error()));
}

bool KeySource::FileUnchanged() const {
  const auto stamp = stamp_.Get();
  return stamp == nullptr || FileStamp::Of(settings_.path) == *stamp;
}

void KeySource::Report(const Result<void>& result) {
  const bool failing = !result;
  const bool first = !tried_.exchange(true, std::memory_order_acq_rel);
  const std::string from = PlaceOf(settings_);
  if (const auto keys = keys_.Get();
      keys != nullptr &&
      reported_.exchange(keys->generation(), std::memory_order_relaxed) != keys->generation()) {
    for (const std::string& why : keys->passed_over()) {
      log::Warning("a key of a JWKS is not used",
                   {{"filter", settings_.filter}, {"from", from}, {"why", why}});
    }
  }
  if (failing_.exchange(failing, std::memory_order_acq_rel) == failing && !(first && failing)) {
    return;
  }
  if (failing) {
    log::Warning("keys can't be had; those that were had before stay",
                 {{"filter", settings_.filter}, {"from", from}, {"why", result.error().message}});
  } else {
    log::Info("keys can be had again", {{"filter", settings_.filter}, {"from", from}});
  }
}

int64_t KeySource::AskForNewKeys(MonotonicTime now) {
  const std::shared_ptr<const pipeline::Waker> waker = waker_.Get();
  if (waker == nullptr) {
    return 0;
  }
  const int64_t now_ns = now.time_since_epoch().count();
  const int64_t ask = now_ns + settings_.refetch_interval.count();
  int64_t newest = asked();
  if (now_ns >= newest && asked_.compare_exchange_strong(newest, ask, std::memory_order_acq_rel)) {
    waker->Wake();
    return ask;
  }
  return Answered(newest) ? 0 : newest;
}

void KeySource::SetWaker(std::shared_ptr<const pipeline::Waker> waker) {
  const bool ends = waker == nullptr;
  waker_.Publish(std::move(waker));
  if (ends) {
    Answer(asked());  // Nobody is going to fetch for them.
  }
}

std::unique_ptr<pipeline::Pending> FetchKeys(pipeline::Services& services,
                                             std::shared_ptr<KeySource> source,
                                             std::function<void(bool good)> done) {
  return std::make_unique<KeyFetch>(services, std::move(source), std::move(done));
}

}  // namespace gatehouse::filters

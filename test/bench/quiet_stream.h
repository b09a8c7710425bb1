// SPDX-License-Identifier: Apache-2.0
// A stream for benchmarks that call one filter again and again.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "source/pipeline/filter_harness.h"
#include "source/pipeline/stream.h"

namespace gatehouse {

// The harness' stream as one is of whose verdicts nobody wants to know.
class QuietStream final : public pipeline::Stream {
 public:
  explicit QuietStream(pipeline::FilterHarness& h)
      : stream_(h.stream()), info_(h.stream().info()) {}
  void ComeFrom(uint32_t address) {
    std::memcpy(info_.client.bytes.data() + 12, &address, sizeof address);
  }
  void ItIs(MonotonicTime now) { now_ = now; }
  const observe::LimitState& limit() const { return info_.limit; }

  http::RequestHead& request() override { return stream_.request(); }
  http::ResponseHead* response() override { return nullptr; }
  const observe::StreamInfo& info() const override { return info_; }
  Arena& arena() override { return stream_.arena(); }
  MonotonicTime now() const override { return now_; }
  std::string_view request_id() override { return {}; }
  pipeline::Action Reply(uint16_t, std::string_view, std::string_view,
                         pipeline::ReplyHeaders) override {
    return pipeline::Action::kReplied;
  }
  pipeline::Action ReplyError(ErrorCode, std::string_view, pipeline::ReplyHeaders) override {
    return pipeline::Action::kReplied;
  }
  void SetRefusal(ErrorCode, std::string_view) override {}
  void Resume() override {}
  void SetIdentity(const observe::Identity&) override {}
  void AddVerdict(std::string_view, std::string_view) override {}
  void SetLimit(const observe::LimitState& limit) override { info_.limit = limit; }
  void Count(observe::MetricId id, int64_t amount) override { stream_.Count(id, amount); }
  pipeline::Verdict Recall(const void*, uint64_t) const override {
    return pipeline::Verdict::kUnknown;
  }
  void Remember(const void*, uint64_t, pipeline::Verdict) override {}
  pipeline::Services& services() override { return stream_.services(); }
  uint32_t worker() const override { return 0; }

 private:
  pipeline::Stream& stream_;
  observe::StreamInfo info_;
  MonotonicTime now_{std::chrono::hours(1)};
};

}  // namespace gatehouse

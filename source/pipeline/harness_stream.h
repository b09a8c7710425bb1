// SPDX-License-Identifier: Apache-2.0
// One stream under test, as its filter sees it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/pipeline/filter_harness.h"
#include "source/pipeline/harness_half.h"
#include "source/pipeline/harness_services.h"

namespace gatehouse::pipeline {

// What streams under test have in common: a worker, a connection, the time.
struct HarnessWorld {
  MonotonicTime now{std::chrono::hours(1)};
  observe::StreamInfo facts;
  std::vector<observe::MetricTable*> tables;  // By worker.
  uint32_t worker = 0;
  std::map<std::pair<const void*, uint64_t>, Verdict> verdicts;  // Of the connection.
  HarnessServices services{now, tables};
  ArenaPool arenas;
  uint64_t streams = 0;
};

class HarnessStream final : public Stream, public observe::HeaderSource {
 public:
  HarnessStream(HarnessWorld& world, std::shared_ptr<const FilterDefinition> definition);

  void Begin(std::string_view method, std::string_view target, const HarnessFields& fields);
  void BeginResponse(uint16_t status, const HarnessFields& fields);
  void Push(HarnessHalf& half, HarnessHalf::Item item);
  http::Headers& NewTrailers(const HarnessFields& fields);
  // What the filter asked for and the worker does later: Resume(), the answer of Reply().
  void Turn();
  void End(ErrorCode error);

  HarnessHalf& request_half() { return request_half_; }
  HarnessHalf& response_half() { return *response_half_; }
  observe::StreamInfo& facts() { return info_; }
  const HarnessReply& reply() const { return reply_; }

  http::RequestHead& request() override { return request_; }
  http::ResponseHead* response() override { return has_response_ ? &response_ : nullptr; }
  const observe::StreamInfo& info() const override { return info_; }
  Arena& arena() override { return arena_; }
  MonotonicTime now() const override { return world_.now; }
  std::string_view request_id() override { return info_.request_id = id_; }
  Action Reply(uint16_t status, std::string_view body, std::string_view content_type,
               ReplyHeaders headers) override;
  Action ReplyError(ErrorCode code, std::string_view detail, ReplyHeaders headers) override;
  void SetRefusal(ErrorCode code, std::string_view detail) override {
    info_.error = code;
    info_.error_detail = arena_.Copy(detail);
  }
  void Resume() override { resume_ = true; }
  void SetIdentity(const observe::Identity& identity) override { info_.identity = &identity; }
  void AddVerdict(std::string_view filter, std::string_view verdict) override;
  void SetLimit(const observe::LimitState& limit) override { info_.limit = limit; }
  void Count(observe::MetricId id, int64_t amount) override {
    world_.tables[worker()]->Add(id, amount);
  }
  Verdict Recall(const void* definition, uint64_t generation) const override;
  void Remember(const void* definition, uint64_t generation, Verdict verdict) override {
    world_.verdicts[{definition, generation}] = verdict;
  }
  Services& services() override { return world_.services; }
  uint32_t worker() const override { return world_.worker; }

  std::string_view RequestHeader(std::string_view name) const override;
  std::string_view ResponseHeader(std::string_view name) const override;

 private:
  void FillHead(std::string_view method, std::string_view target, const HarnessFields& fields);
  HarnessHalf NewHalf(bool request);
  Action Answer(HarnessReply reply);
  void SendReply();

  HarnessWorld& world_;
  const std::shared_ptr<const FilterDefinition> definition_;
  Arena arena_;
  http::RequestHead request_;
  http::ResponseHead response_;
  observe::StreamInfo info_;
  const std::string id_;
  HarnessHalf request_half_;
  std::optional<HarnessHalf> response_half_;
  Filter* filter_ = nullptr;
  HarnessReply reply_;
  bool has_response_ = false;
  bool resume_ = false;
  bool reply_due_ = false;
};

}  // namespace gatehouse::pipeline

// SPDX-License-Identifier: Apache-2.0
#include "source/pipeline/any_of.h"

#include <algorithm>
#include <string>
#include <utility>

#include "source/base/check.h"
#include "source/base/text.h"

namespace gatehouse::pipeline {
namespace {

using Members = std::vector<std::shared_ptr<const FilterDefinition>>;

// What must not pass with a request that a member has let in: what the others alone look at, since
// nobody has verified it.
struct Unverified {
  const FilterDefinition* filter;
  size_t place;
};
using UnverifiedByMember = std::vector<std::vector<Unverified>>;

// How one member refused. Views are in the stream's arena.
struct Refusal {
  ErrorCode code = ErrorCode::kNone;  // Of an answer of its own: as SetRefusal() said.
  uint16_t status = 0;                // Of an answer of its own, by Reply().
  std::string_view body;
  std::string_view content_type;
  std::string_view detail;
  std::span<const ReplyHeaders::Field> fields;
};

// To its members it is the stream: their answers end up here.
class AnyOfFilter final : public Filter, private Stream {
 public:
  AnyOfFilter(const Members& members, const UnverifiedByMember& unverified, Stream& stream)
      : members_(members),
        unverified_(unverified),
        stream_(stream),
        filters_(stream.arena().NewArray<Filter*>(members.size())),
        refusals_(stream.arena().NewArray<Refusal>(members.size())) {}

  Action OnRequestHeaders(http::RequestHead& head, Stream&) override {
    head_ = &head;
    // Whoever lets the request in: what the others would have vouched for is not the client's to
    // say.
    for (const auto& member : members_) {
      member->StripHeaders(head);
    }
    return AskOn();
  }
  Action OnResponseHeaders(http::ResponseHead& head, Stream&) override {
    const bool asked = admitted_ && members_[at_]->phases().response_headers;
    return asked ? filters_[at_]->OnResponseHeaders(head, stream_) : Action::kContinue;
  }
  void OnStreamEnd(const observe::StreamInfo& info, Stream&) noexcept override {
    for (size_t i = 0; i < made_; ++i) {
      if (members_[i]->phases().stream_end) {
        filters_[i]->OnStreamEnd(info, stream_);
      }
    }
  }

 private:
  Action AskOn();
  Action AskOne();
  Action Admit() {
    admitted_ = true;
    for (const Unverified& one : unverified_[at_]) {
      one.filter->RemoveCredential(one.place, *head_, arena());
    }
    return Action::kContinue;
  }
  Action Refuse();
  Action RefuseWithoutCredentials();
  Action Tell(const Refusal& refusal);
  Action Record(Refusal refusal, ReplyHeaders headers);

  // Stream, as the member at_ sees it.
  Action Reply(uint16_t status, std::string_view body, std::string_view content_type,
               ReplyHeaders headers) override;
  Action ReplyError(ErrorCode code, std::string_view detail, ReplyHeaders headers) override;
  void SetRefusal(ErrorCode code, std::string_view detail) override {
    if (admitted_) {
      stream_.SetRefusal(code, detail);
    } else {
      refusing_.code = code;
      refusing_.detail = arena().Copy(detail);
    }
  }
  void AddVerdict(std::string_view filter, std::string_view verdict) override {
    stream_.AddVerdict(filter, verdict);
  }
  void SetLimit(const observe::LimitState& limit) override { stream_.SetLimit(limit); }
  void Resume() override {
    if (admitted_) {  // The response waited.
      stream_.Resume();
    } else {
      GoOn(Action::kContinue);
    }
  }
  void SetIdentity(const observe::Identity& identity) override {
    identified_ = true;
    stream_.SetIdentity(identity);
  }
  http::RequestHead& request() override { return stream_.request(); }
  http::ResponseHead* response() override { return stream_.response(); }
  const observe::StreamInfo& info() const override { return stream_.info(); }
  Arena& arena() override { return stream_.arena(); }
  MonotonicTime now() const override { return stream_.now(); }
  std::string_view request_id() override { return stream_.request_id(); }
  void Count(observe::MetricId id, int64_t amount) override { stream_.Count(id, amount); }
  Verdict Recall(const void* definition, uint64_t generation) const override {
    return stream_.Recall(definition, generation);
  }
  void Remember(const void* definition, uint64_t generation, Verdict verdict) override {
    stream_.Remember(definition, generation, verdict);
  }
  Services& services() override { return stream_.services(); }
  uint32_t worker() const override { return stream_.worker(); }

  Action Settle(Action action);
  // The member at_ had made the stream wait, and now says `action`.
  void GoOn(Action action) {
    if (Settle(action) == Action::kContinue || AskOn() == Action::kContinue) {
      stream_.Resume();
    }
  }

  const Members& members_;
  const UnverifiedByMember& unverified_;
  Stream& stream_;
  http::RequestHead* head_ = nullptr;
  std::span<Filter*> filters_;
  std::span<Refusal> refusals_;
  Refusal refusing_;          // What the member at_ said before its Reply().
  size_t made_ = 0;           // Filters that there are.
  size_t at_ = 0;             // Who is asked, or has let the request in.
  size_t nobody_ = SIZE_MAX;  // Who would let it in although nobody is known.
  bool asking_ = false;       // In a member's OnRequestHeaders().
  bool identified_ = false;   // By the member at_.
  bool admitted_ = false;
};

// From the member at_ on, until one admits or waits, or none is left.
Action AnyOfFilter::AskOn() {
  while (at_ < members_.size()) {
    const Action action = AskOne();
    if (action == Action::kPause) {
      return action;
    }
    if (Settle(action) == Action::kContinue) {
      return Action::kContinue;
    }
  }
  return Refuse();
}

Action AnyOfFilter::AskOne() {
  const FilterDefinition& member = *members_[at_];
  identified_ = false;
  refusing_ = {};
  filters_[at_] = member.NewFilter(*this);
  made_ = at_ + 1;
  asking_ = true;
  const Action action = filters_[at_]->OnRequestHeaders(*head_, *this);
  asking_ = false;
  GATEHOUSE_CHECK(action != Action::kCollect, "a filter of any_of can't collect content");
  return action;
}

// What becomes of the member's verdict: kContinue, or kReplied and the next one is to be asked.
Action AnyOfFilter::Settle(Action action) {
  if (action == Action::kContinue && identified_) {
    return Admit();
  }
  if (action == Action::kContinue) {
    members_[at_]->StripHeaders(*head_);  // What it has set is said of nobody.
    nobody_ = std::min(nobody_, at_);
    refusals_[at_].code = ErrorCode::kNoCredentials;
  }
  ++at_;
  return Action::kReplied;
}

Action AnyOfFilter::Reply(uint16_t status, std::string_view body, std::string_view content_type,
                          ReplyHeaders headers) {
  if (admitted_) {  // The response's phase.
    return stream_.Reply(status, body, content_type, headers);
  }
  return Record({refusing_.code,
                 status,
                 arena().Copy(body),
                 arena().Copy(content_type),
                 refusing_.detail,
                 {}},
                headers);
}

Action AnyOfFilter::ReplyError(ErrorCode code, std::string_view detail, ReplyHeaders headers) {
  if (admitted_) {
    return stream_.ReplyError(code, detail, headers);
  }
  return Record({code, 0, {}, {}, arena().Copy(detail), {}}, headers);
}

Action AnyOfFilter::Record(Refusal refusal, ReplyHeaders headers) {
  const auto count = static_cast<size_t>(headers.end() - headers.begin());
  std::span<ReplyHeaders::Field> fields = arena().NewArray<ReplyHeaders::Field>(count);
  std::transform(headers.begin(), headers.end(), fields.begin(), [this](const auto& field) {
    return ReplyHeaders::Field(arena().Copy(field.first), arena().Copy(field.second));
  });
  refusal.fields = fields;
  refusals_[at_] = refusal;
  if (!asking_) {
    GoOn(Action::kReplied);
  }
  return Action::kReplied;
}

Action AnyOfFilter::Refuse() {
  const auto told = std::find_if(refusals_.begin(), refusals_.end(), [](const Refusal& one) {
    return one.code != ErrorCode::kNoCredentials;
  });
  if (told == refusals_.end() && nobody_ != SIZE_MAX) {
    at_ = nobody_;
    return Admit();
  }
  return told == refusals_.end() ? RefuseWithoutCredentials() : Tell(*told);
}

Action AnyOfFilter::Tell(const Refusal& refusal) {
  const ReplyHeaders headers(refusal.fields);
  if (refusal.status == 0) {
    return stream_.ReplyError(refusal.code, refusal.detail, headers);
  }
  if (refusal.code != ErrorCode::kNone) {
    stream_.SetRefusal(refusal.code, refusal.detail);
  }
  return stream_.Reply(refusal.status, refusal.body, refusal.content_type, headers);
}

// Where one can log in says more than that one has to.
Action AnyOfFilter::RefuseWithoutCredentials() {
  const auto leads_on = std::find_if(refusals_.begin(), refusals_.end(), [](const Refusal& one) {
    return one.status != 0 && one.status != 401;
  });
  if (leads_on != refusals_.end()) {
    return Tell(*leads_on);
  }
  size_t most = 0;
  for (const Refusal& refusal : refusals_) {
    most += refusal.fields.size();
  }
  const std::span<ReplyHeaders::Field> challenges = arena().NewArray<ReplyHeaders::Field>(most);
  size_t count = 0;
  std::string_view detail;
  for (const Refusal& refusal : refusals_) {
    for (const ReplyHeaders::Field& field : refusal.fields) {
      if (EqualsIgnoreCase(field.first, "www-authenticate")) {
        challenges[count++] = field;
      }
    }
    detail = detail.empty() ? refusal.detail : arena().Concat(detail, "; ", refusal.detail);
  }
  const std::span<const ReplyHeaders::Field> all = challenges.first(count);
  return stream_.ReplyError(ErrorCode::kNoCredentials, detail, ReplyHeaders(all));
}

Phases PhasesOf(const Members& members) {
  Phases out{.request_headers = true};
  for (const auto& member : members) {
    out.response_headers |= member->phases().response_headers;
    out.stream_end |= member->phases().stream_end;
  }
  return out;
}

UnverifiedByMember UnverifiedOf(const Members& members) {
  UnverifiedByMember out;
  for (const auto& admits : members) {
    const std::vector<std::string>& own = admits->credential_places;
    std::vector<Unverified>& others = out.emplace_back();
    for (const auto& member : members) {
      for (size_t place = 0; place < member->credential_places.size(); ++place) {
        const std::string& name = member->credential_places[place];
        if (std::none_of(own.begin(), own.end(), [&](const std::string& one) {
              return one.starts_with(name) || name.starts_with(one);
            })) {
          others.push_back({member.get(), place});
        }
      }
    }
  }
  return out;
}

class AnyOfDefinition final : public FilterDefinition {
 public:
  explicit AnyOfDefinition(Members members)
      : FilterDefinition(PhasesOf(members), 0),
        members_(std::move(members)),
        unverified_(UnverifiedOf(members_)) {
    name = kAnyOf;
    type = kAnyOf;
    authenticates = true;
    // Whoever skips it skips them all.
    required = std::any_of(members_.begin(), members_.end(),
                           [](const auto& member) { return member->required; });
  }
  Filter* NewFilter(Stream& stream) const override {
    return stream.arena().New<AnyOfFilter>(members_, unverified_, stream);
  }
  std::span<const std::shared_ptr<const FilterDefinition>> members() const override {
    return members_;
  }
  void StripHeaders(http::RequestHead& head) const override {
    for (const auto& member : members_) {
      member->StripHeaders(head);
    }
  }
  void StripTrailers(http::Headers& trailers) const override {
    for (const auto& member : members_) {
      member->StripTrailers(trailers);
    }
  }
  std::string Explain(const http::RequestHead& head,
                      const observe::StreamInfo& info) const override {
    std::string out = "the first that accepts:";
    for (const auto& member : members_) {
      out.append(" ").append(member->name);
      const std::string says = member->Explain(head, info);
      out.append(says.empty() ? "" : " (" + says + ")");
    }
    return out;
  }

 private:
  const Members members_;
  const UnverifiedByMember unverified_;
};

}  // namespace

std::shared_ptr<FilterDefinition> AnyOf(
    std::vector<std::shared_ptr<const FilterDefinition>> members) {
  return std::make_shared<AnyOfDefinition>(std::move(members));
}

}  // namespace gatehouse::pipeline

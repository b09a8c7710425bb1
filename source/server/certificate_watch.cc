// SPDX-License-Identifier: Apache-2.0
#include "source/server/certificate_watch.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "source/base/log.h"

namespace gatehouse::server {
namespace {

using proxy::CertificateMetric;
using proxy::CertificateSeries;

int64_t Seconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

void Log(const std::string& listener, const tls::FileNews& news) {
  const std::string& file = news.files->paths.front();
  if (news.used) {
    log::Info("TLS files have been read again", {{"listener", listener}, {"file", file}});
    for (const std::string& what : {news.warnings, news.files->trouble}) {
      if (!what.empty()) {
        log::Warning("TLS files that are in use are not as they should be",
                     {{"listener", listener}, {"file", file}, {"why", what}});
      }
    }
  } else {
    log::Warning("TLS files can't be used as they are, and what was read before stays",
                 {{"listener", listener}, {"file", file}, {"why", news.files->trouble}});
  }
}

}  // namespace

// One listener's. Held by jobs under way too.
struct CertificateWatch::Watched : std::enable_shared_from_this<Watched> {
  std::string listener;
  std::shared_ptr<tls::ServerTls> tls;
  std::shared_ptr<const observe::MetricBlock> block;                // The listener's; may be null.
  std::vector<std::shared_ptr<const observe::MetricBlock>> blocks;  // By certificate.
  std::vector<std::unique_ptr<event::FileWatch>> files;
  bool looking = false;
  bool again = false;    // A file has changed while they were looked at.
  bool dropped = false;  // It is watched no longer.
  MonotonicTime rotated{};
  std::vector<bool> stapled;  // By certificate: what is stapled was valid when it was looked at.
};

CertificateWatch::CertificateWatch(event::Loop& control, event::Background& background,
                                   observe::MetricTable& table)
    : control_(control), background_(background), table_(table) {
  control_.deadlines().ArmAfter(*this, kLook);
}

CertificateWatch::~CertificateWatch() {
  for (const auto& [tls, one] : watched_) {
    one->files.clear();  // A job under way may hold the rest longer than the loop lives.
  }
}

std::shared_ptr<CertificateWatch::Watched> CertificateWatch::NewWatched(
    const proxy::ListenerPlan& plan) {
  auto out = std::make_shared<Watched>();
  out->tls = plan.tls;
  out->rotated = control_.now();
  std::string trouble;
  for (const std::string& path : plan.tls->Paths()) {
    auto& file = out->files.emplace_back(std::make_unique<event::FileWatch>(
        control_, path, [this, self = out.get()] { OnFileChange(*self); }));
    trouble = trouble.empty() ? file->trouble() : trouble;
  }
  if (!trouble.empty()) {
    log::Warning("changes of certificates may go unseen",
                 {{"listener", plan.settings->name}, {"reason", trouble}});
  }
  return out;
}

void CertificateWatch::Follow(const std::vector<const proxy::ListenerPlan*>& plans) {
  std::map<const tls::ServerTls*, std::shared_ptr<Watched>> next;
  for (const proxy::ListenerPlan* const listener : plans) {
    const proxy::ListenerPlan& plan = *listener;
    if (plan.tls == nullptr) {
      continue;
    }
    const auto known = watched_.find(plan.tls.get());
    std::shared_ptr<Watched> one = known != watched_.end() ? known->second : NewWatched(plan);
    one->listener = plan.settings->name;
    one->block = plan.metric_block;
    one->blocks = plan.certificate_blocks;
    ShowGauges(*one);
    if (one->tls->HasNews()) {
      OnFileChange(*one);
    }
    next.emplace(plan.tls.get(), std::move(one));
  }
  for (const auto& [tls, one] : watched_) {
    if (next.count(tls) == 0) {
      one->dropped = true;
      one->files.clear();
      gone_.push_back(one->tls);
    }
  }
  watched_ = std::move(next);
}

void CertificateWatch::LookNow() {
  for (const auto& [tls, one] : watched_) {
    OnFileChange(*one);
  }
}

// One look at a time for each listener.
void CertificateWatch::OnFileChange(Watched& one) {
  if (one.dropped || std::exchange(one.looking, true)) {
    one.again = true;
    return;
  }
  struct Looked {
    std::shared_ptr<Watched> at;
    std::vector<tls::FileNews> news;
    std::shared_ptr<const tls::ServerTlsState> state;  // What the news refer to.
  };
  auto looked = std::make_shared<Looked>();
  looked->at = one.shared_from_this();
  background_.Run([this, looked = std::move(looked), tls = one.tls]() mutable {
    looked->news = tls->Reload(WallNow(), &looked->state);
    tls->FreeRetired();
    control_.Post([this, looked = std::move(looked)] { OnLooked(*looked->at, looked->news); });
  });
}

void CertificateWatch::OnLooked(Watched& one, const std::vector<tls::FileNews>& news) {
  one.looking = false;
  for (const tls::FileNews& each : news) {
    Log(one.listener, each);
  }
  if (one.dropped) {
    return;
  }
  Count(one, news);
  ShowGauges(one);
  if (std::exchange(one.again, false)) {
    OnFileChange(one);
  }
}

void CertificateWatch::Count(const Watched& one, const std::vector<tls::FileNews>& news) {
  for (const tls::FileNews& each : news) {
    if (each.certificate < one.blocks.size() && one.blocks[each.certificate] != nullptr) {
      const CertificateSeries series(*one.blocks[each.certificate]);
      table_.Add(series[each.used ? CertificateMetric::kLoaded : CertificateMetric::kFailed]);
    }
  }
}

void CertificateWatch::ShowGauges(Watched& one) {
  const std::shared_ptr<const tls::ServerTlsState> state = one.tls->state();
  const int64_t now = Seconds(WallNow());
  if (one.block != nullptr) {
    const proxy::ListenerSeries series(*one.block);
    table_.Set(series[proxy::ListenerMetric::kClientAuthTrouble],
               state->trust_files.trouble.empty() ? 0 : 1);
    table_.Set(series[proxy::ListenerMetric::kTicketsTrouble],
               state->ticket_files.trouble.empty() ? 0 : 1);
  }
  one.stapled.resize(state->certificates.size());
  for (size_t i = 0; i < state->certificates.size(); ++i) {
    const tls::Certificate& certificate = *state->certificates[i];
    const bool valid = certificate.staple.has_value() && certificate.staple->ValidAt(now);
    if (one.stapled[i] && !valid) {
      log::Warning("an OCSP response has run out and is not stapled any longer",
                   {{"listener", one.listener}, {"file", certificate.files.ocsp_file}});
    }
    one.stapled[i] = valid;
    if (i >= one.blocks.size() || one.blocks[i] == nullptr) {
      continue;
    }
    const CertificateSeries series(*one.blocks[i]);
    table_.Set(series[CertificateMetric::kNotAfter], certificate.facts.not_after);
    table_.Set(series[CertificateMetric::kOcspNextUpdate],
               valid ? certificate.staple->next_update : 0);
    table_.Set(series[CertificateMetric::kTrouble], state->files[i].trouble.empty() ? 0 : 1);
  }
}

void CertificateWatch::RotateTickets(Watched& one) {
  const tls::TicketSettings& tickets = one.tls->settings().tickets;
  if (tickets.enabled && tickets.key_files.empty() &&
      control_.now() - one.rotated >= tickets.rotate_every) {
    one.rotated = control_.now();
    one.tls->RotateTickets();
  }
}

void CertificateWatch::OnDeadline() {
  for (const auto& [tls, one] : watched_) {
    RotateTickets(*one);
    ShowGauges(*one);
    const std::shared_ptr<const tls::ServerTlsState> state = tls->state();
    const bool trouble =
        !state->trust_files.trouble.empty() || !state->ticket_files.trouble.empty() ||
        std::any_of(state->files.begin(), state->files.end(),
                    [](const tls::FileState& files) { return !files.trouble.empty(); });
    if (trouble || tls->HasRetired() || tls->ListsRanOut(WallNow())) {
      OnFileChange(*one);
    }
  }
  const auto unused = std::stable_partition(gone_.begin(), gone_.end(),
                                            [](const auto& one) { return one.use_count() > 1; });
  for (auto one = unused; one != gone_.end(); ++one) {
    background_.Run([tls = std::move(*one)]() mutable { tls.reset(); });
  }
  gone_.erase(unused, gone_.end());
  control_.deadlines().ArmAfter(*this, kLook);
}

}  // namespace gatehouse::server

// SPDX-License-Identifier: Apache-2.0
// GET /certs: what listeners show their clients and clusters their endpoints, how long it lasts,
// and whether its files are fine.
#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "source/admin/endpoints.h"
#include "source/admin/reply.h"
#include "source/tls/certificate.h"

namespace gatehouse::admin {
namespace {

int64_t Seconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

Json FilesJson(const tls::FileState& files) {
  Json out;
  out["read"] = TimeJson(files.read);
  out["ok"] = files.trouble.empty();
  if (!files.trouble.empty()) {
    out["why"] = files.trouble;
    out["since"] = TimeJson(files.trouble_since);
  }
  return out;
}

Json OcspJson(const tls::Certificate& certificate, int64_t now) {
  Json out;
  out["file"] = certificate.files.ocsp_file;
  const bool known = certificate.staple.has_value();
  out["stapled"] = known && certificate.staple->ValidAt(now);
  if (known) {
    out["this_update"] = TimeJson(WallTime(std::chrono::seconds(certificate.staple->this_update)));
    out["next_update"] = TimeJson(WallTime(std::chrono::seconds(certificate.staple->next_update)));
  }
  return out;
}

Json CertificateJson(const tls::Certificate& certificate, int64_t now) {
  constexpr int64_t kDay = 24 * 60 * 60;
  const tls::CertificateFacts& facts = certificate.facts;
  Json out;
  out["names"] = facts.names;
  if (!facts.addresses.empty()) {
    out["addresses"] = facts.addresses;
  }
  out["subject"] = facts.subject;
  out["issuer"] = facts.issuer;
  out["serial"] = facts.serial;
  out["fingerprint"] = facts.fingerprint;
  out["key_type"] = facts.key_type;
  out["not_before"] = TimeJson(WallTime(std::chrono::seconds(facts.not_before)));
  out["not_after"] = TimeJson(WallTime(std::chrono::seconds(facts.not_after)));
  out["days_left"] = (facts.not_after - now) / kDay;
  out["cert_file"] = certificate.files.cert_file;
  out["key_file"] = certificate.files.key_file;
  if (!certificate.files.ocsp_file.empty()) {
    out["ocsp"] = OcspJson(certificate, now);
  }
  return out;
}

Json ListenerJson(const proxy::ListenerPlan& plan) {
  const auto state = plan.tls->state();
  const int64_t now = Seconds(WallNow());
  Json out;
  out["name"] = plan.settings->name;
  Json& certificates = out["certificates"] = Json::array();
  for (size_t i = 0; i < state->certificates.size(); ++i) {
    Json& one = certificates.emplace_back(CertificateJson(*state->certificates[i], now));
    one["files"] = FilesJson(state->files[i]);
  }
  if (state->trust != nullptr) {
    const tls::ClientAuthSettings& settings = state->trust->settings();
    Json& clients = out["client_auth"];
    clients["mode"] = settings.mode == tls::ClientAuthMode::kRequire ? "require" : "request";
    clients["ca_file"] = settings.ca_file;
    clients["authorities"] = state->trust->authorities();
    if (!settings.crl_file.empty()) {
      clients["crl_file"] = settings.crl_file;
      clients["crl_next_update"] =
          TimeJson(WallTime(std::chrono::seconds(state->trust->lists_until())));
    }
    clients["files"] = FilesJson(state->trust_files);
  }
  return out;
}

// What is shown to endpoints that ask for it.
Json ClustersJson(const proxy::Snapshot& snapshot) {
  const int64_t now = Seconds(WallNow());
  Json out = Json::array();
  for (const std::shared_ptr<upstream::Cluster>& cluster : snapshot.clusters) {
    const auto own = cluster->tls() == nullptr ? nullptr : cluster->tls()->certificate();
    if (own != nullptr) {
      out.push_back(
          {{"name", cluster->name()}, {"certificates", Json::array({CertificateJson(*own, now)})}});
    }
  }
  return out;
}

}  // namespace

void GetCerts(Call& call) {
  call.server.Answer(
      [snapshot = call.server.Snapshot()] {
        Json out = Json::array();
        for (const proxy::ListenerPlan& plan : snapshot->listeners) {
          if (plan.tls != nullptr) {
            out.push_back(ListenerJson(plan));
          }
        }
        return JsonResponse(
            Json{{"listeners", std::move(out)}, {"clusters", ClustersJson(*snapshot)}});
      },
      std::move(call.reply));
}

}  // namespace gatehouse::admin

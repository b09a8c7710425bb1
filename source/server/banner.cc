// SPDX-License-Identifier: Apache-2.0
#include "source/server/banner.h"

#include <algorithm>
#include <utility>

#include "source/server/commands.h"

namespace gatehouse::server {
namespace {

constexpr size_t kMaxListeners = 8;

// "web 0.0.0.0:8080, websecure 0.0.0.0:8443 and 3 more"
std::string ListenerText(const proxy::Snapshot& snapshot,
                         const std::vector<admin::BoundListener>& bound) {
  std::string out;
  const size_t shown = std::min(snapshot.listeners.size(), kMaxListeners);
  for (size_t i = 0; i < shown; ++i) {
    const proxy::ListenerPlan& plan = snapshot.listeners[i];
    const auto at = std::find_if(bound.begin(), bound.end(),
                                 [&](const auto& listener) { return listener.id == plan.id; });
    out.append(i == 0 ? "" : ", ").append(plan.settings->name).append(" ");
    out.append(at == bound.end() ? plan.settings->address.ToString() : at->address);
  }
  if (shown < snapshot.listeners.size()) {
    out.append(" and " + std::to_string(snapshot.listeners.size() - shown) + " more");
  }
  return out;
}

std::string Count(size_t count, const char* one) {
  return std::to_string(count) + " " + one + (count == 1 ? "" : "s");
}

}  // namespace

std::string Banner(const ServedConfig& served, const BannerFacts& facts) {
  const proxy::Snapshot& snapshot = *served.snapshot;
  std::string out = "gatehouse " + std::string(kVersion) + " serves " + facts.source + "\n";
  out += "listening  " + ListenerText(snapshot, facts.bound) + "\n";
  if (!facts.admin_address.empty()) {
    const bool unix_socket = facts.admin_address.starts_with("unix:");
    const std::string scheme = facts.admin_tls ? "https://" : "http://";
    out += "admin      " + (unix_socket ? "" : scheme) + facts.admin_address + "\n";
  }
  out += "loaded     " + Count(snapshot.clusters.size(), "cluster") + ", " +
         Count(snapshot.routes->routes().size(), "route") + ", " +
         Count(snapshot.filters->definitions().size(), "filter") + ", " +
         Count(facts.workers, "worker") + "\n";
  if (const size_t warnings = served.diagnostics->warnings(); warnings > 0) {
    out += "warnings   " + std::to_string(warnings) +
           ": `gatehouse validate` and /config/status show them\n";
  }
  return out;
}

}  // namespace gatehouse::server

// SPDX-License-Identifier: Apache-2.0
#include "source/server/client_certificate_check.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "source/pipeline/filter.h"

namespace gatehouse::server {
namespace {

using tls::ClientAuthMode;

ClientAuthMode ModeOf(const proxy::ListenerSettings& listener) {
  return listener.tls ? listener.tls->client_auth.mode : ClientAuthMode::kNone;
}

// Whether a filter of the chain lets nobody in without a certificate.
bool Needs(const pipeline::Chain& chain) {
  ArenaPool pool;
  Arena arena(pool);
  const http::RequestHead nothing(arena);
  return std::any_of(chain.definitions().begin(), chain.definitions().end(), [&](const auto& one) {
    return one->type == "client_certificate" &&
           one->Explain(nothing, observe::StreamInfo()).starts_with("refuses");
  });
}

class Check {
 public:
  Check(const std::vector<config::Value>& section, const LoadedSections& sections)
      : section_(section), sections_(sections) {}

  void Run() {
    for (size_t i = 0; i < sections_.routes.size() && i < section_.size(); ++i) {
      Look(i);
    }
    for (const auto& [what, found] : found_) {
      const std::string more =
          found.second == 1 ? "" : " (and " + std::to_string(found.second - 1) + " more routes)";
      section_[found.first].Warning(what + more);
    }
  }

 private:
  const proxy::ListenerSettings& Listener(size_t at) const {
    return *sections_.listeners[at].settings;
  }
  void Found(size_t route, std::string what) {
    ++found_.try_emplace(std::move(what), route, 0).first->second.second;
  }

  void Look(size_t route) {
    const proxy::ListenerSettings* with = nullptr;
    const proxy::ListenerSettings* without = nullptr;
    for (size_t i = 0; i < sections_.chains.size(); ++i) {
      const pipeline::Chain* const chain = sections_.chains[i].by_route[route];
      if (chain == nullptr) {
        continue;
      }
      const proxy::ListenerSettings& listener = Listener(i);
      const ClientAuthMode mode = ModeOf(listener);
      const bool needs = NeedsOf(chain);
      if (needs && mode == ClientAuthMode::kNone) {
        Found(route, "client_certificate refuses everybody on listener \"" + listener.name +
                         "\", which has no tls.client_auth");
      }
      (needs || mode == ClientAuthMode::kRequire ? with : without) = &listener;
    }
    // A redirect shows nothing.
    if (with != nullptr && without != nullptr &&
        sections_.routes[route].route->redirect() == nullptr) {
      Found(route, "needs a client certificate on listener \"" + with->name +
                       "\", and is served without one on \"" + without->name +
                       "\": match.listeners says where it is meant for");
    }
  }

  bool NeedsOf(const pipeline::Chain* chain) {
    const auto known = needs_.find(chain);
    return known != needs_.end() ? known->second : (needs_[chain] = Needs(*chain));
  }

  const std::vector<config::Value>& section_;
  const LoadedSections& sections_;
  std::map<const pipeline::Chain*, bool> needs_;
  std::map<std::string, std::pair<size_t, size_t>> found_;  // The first route, and how many.
};

}  // namespace

void WarnOfMissingClientCertificates(const std::vector<config::Value>& section,
                                     const LoadedSections& sections) {
  Check(section, sections).Run();
}

}  // namespace gatehouse::server

// SPDX-License-Identifier: Apache-2.0
// The settings of the jwt filter, and what its definitions share.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "source/filters/auth/credential_source.h"
#include "source/filters/auth/identity_headers.h"
#include "source/filters/auth/key_source.h"
#include "source/filters/auth/token_requirement.h"
#include "source/filters/auth/token_verifier.h"
#include "source/pipeline/catalog.h"

namespace gatehouse::filters {

// What one worker has for one policy.
struct JwtWorker {
  JwtWorker(const TokenPolicy& policy, size_t cache_bytes) : verifier(policy, cache_bytes) {}
  Published<JwkSet>::Reader keys;
  TokenVerifier verifier;
};

// Keys, and the tokens that were verified with them by one policy. Filters that differ in something
// else only, as the overrides of a route may, have the same one.
struct JwtAuthority {
  std::string fingerprint;  // Of all that decides whether a token is good and what it says.
  TokenPolicy policy;
  size_t cache_bytes = 0;
  std::shared_ptr<KeySource> keys;
  // By worker, each made and used by its own.
  mutable std::vector<std::unique_ptr<JwtWorker>> workers;

  JwtWorker& Worker(uint32_t index) const {
    std::unique_ptr<JwtWorker>& worker = workers[index];
    if (worker == nullptr) [[unlikely]] {
      worker = std::make_unique<JwtWorker>(policy, cache_bytes);
    }
    return *worker;
  }
};

struct JwtCounters {
  observe::MetricId verified;
  observe::MetricId remembered;
  observe::MetricId no_token;
  observe::MetricId refused;
  observe::MetricId missing_scope;
  observe::MetricId unknown_key;
  observe::MetricId unavailable;
  observe::MetricId keys_refreshed;
  observe::MetricId keys_failed;
};

struct JwtConfig {
  std::shared_ptr<JwtAuthority> authority;
  bool shared = false;  // The authority is that of the definition which this one overrides.
  CredentialSources from;
  IdentityHeaders headers;
  TokenRequirement require;
  int64_t skew_ms = 0;
  bool forward = true;
  bool allow_missing = false;
  // Values of WWW-Authenticate (RFC 6750 section 3).
  std::string challenge;          // Bearer realm="..."
  std::string missing_challenge;  // With insufficient_scope.
  JwtCounters counters;
};

// `base`: the settings that a route overrides; null: none.
JwtConfig LoadJwtConfig(config::Object& in, const pipeline::LoadContext& context,
                        const JwtConfig* base, const JwtCounters& counters);

}  // namespace gatehouse::filters

// SPDX-License-Identifier: Apache-2.0
// The settings of forward_auth.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "source/base/clock.h"
#include "source/config/object.h"
#include "source/filters/auth/auth_question.h"
#include "source/filters/auth/auth_verdict.h"
#include "source/filters/auth/request_key.h"
#include "source/pipeline/catalog.h"

namespace gatehouse::filters {

struct VerdictCacheSettings {
  bool enabled = false;
  Duration ttl{};
  Duration deny_ttl{};
  RequestKey key;
  size_t max_entries = 1;

  // How long the verdict is used again.
  Duration TtlOf(const AuthVerdict& verdict) const {
    const Duration most = verdict.kind == AuthVerdict::Kind::kAllow  ? ttl
                          : verdict.kind == AuthVerdict::Kind::kDeny ? deny_ttl
                                                                     : Duration::zero();
    return std::min(most, verdict.max_age.value_or(most));
  }
};

struct ForwardAuthConfig {
  AuthQuestion question;
  AnswerRules rules;
  std::vector<RequestPart> credentials;
  bool allow_missing = false;
  bool allow_on_failure = false;
  VerdictCacheSettings cache;
};

ForwardAuthConfig LoadForwardAuth(config::Object& in, const pipeline::LoadContext& context);

}  // namespace gatehouse::filters

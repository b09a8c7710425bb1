// SPDX-License-Identifier: Apache-2.0
// Where a limit that gateways share is kept.
//
//   store: redis://gatehouse:${REDIS_PASSWORD}@redis.internal:6379/1
//   store_timeout: 100ms
//   store_prefix: "gatehouse:limit:per_user:"
//
// The URL is read as redis-cli and redis-py do, but for what they read differently: a user without
// a password. Errors quote no URL, which may hold a password.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "source/base/error.h"
#include "source/config/object.h"
#include "source/pipeline/services.h"

namespace gatehouse::filters {

struct RedisStore {
  pipeline::RedisServer server;
  std::string prefix;
};

// Reads `store`, `store_timeout` and `store_prefix`, which `name`, of the filter, is part of when
// it is absent. Nothing when `store` is absent, or wrong, which is then reported.
std::optional<RedisStore> LoadRedisStore(config::Object& in, std::string_view name);

// redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE] or unix://[USER:PASSWORD@]/PATH[?db=DATABASE];
// the user may be empty, user and password are percent-decoded (RFC 3986 section 2.1). The timeout
// is the default.
Result<pipeline::RedisServer> ParseRedisUrl(std::string_view url);

}  // namespace gatehouse::filters

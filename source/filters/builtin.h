// SPDX-License-Identifier: Apache-2.0
// The filters of this build: one line each, here and in builtin.cc.
#pragma once

#include "source/pipeline/catalog.h"

namespace gatehouse {
namespace filters {

pipeline::FilterType AccessLog();
pipeline::FilterType ApiKey();
pipeline::FilterType BasicAuth();
pipeline::FilterType ClientCertificate();
pipeline::FilterType Concurrency();
pipeline::FilterType Cors();
pipeline::FilterType Fault();
pipeline::FilterType ForwardAuth();
pipeline::FilterType HeaderEdits();
pipeline::FilterType IpAccess();
pipeline::FilterType Jwt();
pipeline::FilterType MaxBody();
pipeline::FilterType RateLimit();
pipeline::FilterType Rbac();

}  // namespace filters

// All of them.
pipeline::Catalog BuiltinFilters();

}  // namespace gatehouse

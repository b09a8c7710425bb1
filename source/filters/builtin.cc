// SPDX-License-Identifier: Apache-2.0
#include "source/filters/builtin.h"

namespace gatehouse {

pipeline::Catalog BuiltinFilters() {
  return pipeline::Catalog({
      filters::AccessLog(),
      filters::ApiKey(),
      filters::BasicAuth(),
      filters::ClientCertificate(),
      filters::Concurrency(),
      filters::Cors(),
      filters::Fault(),
      filters::ForwardAuth(),
      filters::HeaderEdits(),
      filters::IpAccess(),
      filters::Jwt(),
      filters::MaxBody(),
      filters::RateLimit(),
      filters::Rbac(),
  });
}

}  // namespace gatehouse

// SPDX-License-Identifier: Apache-2.0
// What is printed when the process has started.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "source/admin/server_view.h"
#include "source/server/compile.h"

namespace gatehouse::server {

struct BannerFacts {
  std::string source;
  std::vector<admin::BoundListener> bound;
  std::string admin_address;  // Empty: there is none.
  size_t workers = 0;
  bool admin_tls = false;
};

// At most six lines, however much is configured.
std::string Banner(const ServedConfig& served, const BannerFacts& facts);

}  // namespace gatehouse::server

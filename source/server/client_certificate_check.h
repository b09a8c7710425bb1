// SPDX-License-Identifier: Apache-2.0
// Client certificates that nobody asks for, or that only some listeners do.
#pragma once

#include <vector>

#include "source/config/object.h"
#include "source/server/snapshot_builder.h"

namespace gatehouse::server {

// Warns at the routes of `section`, which `sections` was loaded from, that refuse everybody on a
// listener whose clients are not asked for a certificate, and at those that need one on a listener
// and are served without on another. Of many alike the first is told. REQUIRES: the chains are
// compiled.
void WarnOfMissingClientCertificates(const std::vector<config::Value>& section,
                                     const LoadedSections& sections);

}  // namespace gatehouse::server

// SPDX-License-Identifier: Apache-2.0
// Keeps the keys of an issuer up to date, beside all streams.
#pragma once

#include <memory>

#include "source/filters/auth/key_source.h"
#include "source/pipeline/filter.h"

namespace gatehouse::filters {

// From a URL: at once, then every `refresh`, sooner while that fails (a second, then twice as long
// each time), each with jitter so that gateways that were started together don't ask together; and
// whenever somebody asks for new keys, see KeySource::AskForNewKeys(). From a file: whenever it
// changes. Null for keys that stay as they are.
std::unique_ptr<pipeline::Upkeep> StartKeyUpkeep(std::shared_ptr<KeySource> source,
                                                 pipeline::Services& services);

}  // namespace gatehouse::filters

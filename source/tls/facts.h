// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "source/observe/tls_facts.h"
#include "source/tls/layer.h"

namespace gatehouse::tls {

// What the handshake of `layer` has told. REQUIRES: established.
std::unique_ptr<const observe::TlsFacts> FactsOf(const Layer& layer);

}  // namespace gatehouse::tls

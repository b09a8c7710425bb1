// SPDX-License-Identifier: Apache-2.0
// Reads `tls:` of a listener, and the files that it names.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "source/config/object.h"
#include "source/tls/server_tls.h"

namespace gatehouse::proxy {

// Null without `tls`, or with mistakes in it, which are in the diagnostics. `alpn`: what the
// listener speaks, in the order of preference. `previous`, as in ServerTls::Make().
std::shared_ptr<tls::ServerTls> LoadListenerTls(config::Object& listener,
                                                std::vector<std::string> alpn,
                                                const tls::ServerTls* previous);

}  // namespace gatehouse::proxy

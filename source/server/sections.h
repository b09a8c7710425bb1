// SPDX-License-Identifier: Apache-2.0
// The sections of a configuration that belong to the process as a whole.
#pragma once

#include "source/config/object.h"
#include "source/proxy/listener_config.h"
#include "source/server/config_loader.h"

namespace gatehouse::server {

RuntimeSettings LoadRuntime(config::Object in);

// Of an absent mapping: no admin endpoint. Its address is entered in `addresses`.
AdminSettings LoadAdmin(config::Object in, proxy::AddressBook& addresses);

}  // namespace gatehouse::server

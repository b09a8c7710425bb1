// SPDX-License-Identifier: Apache-2.0
// What Connection says about the connection and about the other fields (RFC 9110 section 7.6.1).
#pragma once

#include <string_view>

#include "source/http/message/headers.h"

namespace gatehouse::http {

struct ConnectionOptions {
  bool close = false;
  bool keep_alive = false;
  // Other options: names of fields that are not to be forwarded.
  bool names_fields = false;
  // More options than anybody needs; looking each field up among them would take too long.
  bool too_many = false;
};

ConnectionOptions ReadConnectionOptions(const Headers& headers);

// Whether Upgrade names `protocol`, of any version (RFC 9110 section 7.8).
bool AsksForProtocol(const Headers& headers, std::string_view protocol);

// Whether Connection takes `field` out of what is forwarded. REQUIRES: names_fields. Never Host and
// framing fields, which aren't Connection's to remove, and never what the gateway itself added or
// changed: the peer's option speaks of the fields that came with it.
bool IsNamedByConnection(const Headers& headers, const Field& field);

}  // namespace gatehouse::http

// SPDX-License-Identifier: Apache-2.0
// Reads `listeners:`.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/config/object.h"
#include "source/proxy/listener_settings.h"
#include "source/tls/server_tls.h"

namespace gatehouse::proxy {

struct LoadedListener {
  std::shared_ptr<const ListenerSettings> settings;
  std::shared_ptr<tls::ServerTls> tls;  // Null: in the clear.
  std::vector<config::Value> filters;   // As written, for FilterTable::Compile.
};

// Who has taken an address already: for the sentence that refuses it to another.
class AddressBook {
 public:
  explicit AddressBook(const config::Diagnostics& diagnostics) : diagnostics_(diagnostics) {}
  // Reports at `value` when `address` is taken, by itself or with all others of its port (0.0.0.0,
  // [::]). Port 0 is nobody's: the kernel chooses.
  void Claim(const config::Value& value, const config::Address& address, std::string_view owner);

 private:
  struct Claimed {
    config::Address address;
    std::string owner;
    config::Position position;
  };
  const config::Diagnostics& diagnostics_;
  std::map<uint16_t, std::vector<Claimed>> taken_;  // By port; 0 for unix sockets.
};

// The TLS of the listener called so in the configuration before; null: it had none.
using TlsBefore = std::function<const tls::ServerTls*(std::string_view name)>;

// The listeners of `section`, those with mistakes too. Never fails: mistakes are in the
// diagnostics. `addresses` may hold those of others.
std::vector<LoadedListener> LoadListeners(const std::vector<config::Value>& section,
                                          AddressBook& addresses, const TlsBefore& before = {});

// An address to listen on; nothing is resolved, so it has no hostname. Nothing, and an error, for
// anything else.
std::optional<config::Address> LoadListenAddress(const config::Value& value);

}  // namespace gatehouse::proxy

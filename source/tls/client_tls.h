// SPDX-License-Identifier: Apache-2.0
// What connections to a cluster's endpoints are protected with.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "source/base/error.h"
#include "source/base/ip.h"
#include "source/base/published.h"
#include "source/tls/client_sessions.h"
#include "source/tls/client_settings.h"
#include "source/tls/layer.h"

namespace gatehouse::tls {

// Lists of protocols to offer, as on the wire (RFC 7301 section 3.1).
inline constexpr std::string_view kAlpnHttp2{"\x02h2"};
inline constexpr std::string_view kAlpnHttp1{"\x08http/1.1"};
inline constexpr std::string_view kAlpnAny{"\x02h2\x08http/1.1"};

struct Certificate;
struct ClientContext;

// Any thread; Load(): one at a time.
class ClientTls {
 public:
  // Whom a connection goes to. Read during NewLayer() only.
  struct Peer {
    std::string_view name;      // The endpoint's: sessions are kept by it.
    std::string_view hostname;  // What its address was resolved from; empty for plain addresses.
    IpAddress ip;               // All zero for unix sockets.
  };

  // Trusts nobody before Load().
  explicit ClientTls(ClientSettings settings);
  ~ClientTls();

  // Reads the files: connections that start from now on use them. After an error, which names the
  // file and what is wrong with it, everything is as it was.
  Result<void> Load();

  // For a connection that has just been established: Socket::AddLayer() begins the handshake. It
  // resumes one of `sessions` when it can, and puts there what the endpoint gives for the next.
  // `alpn` is one of the lists above; without an agreement layer->alpn() is empty, which means
  // HTTP/1.1. When the handshake fails, layer->failure() is the end of a sentence for operators:
  // "the certificate is for a.test, not b.test".
  std::unique_ptr<Layer> NewLayer(BufferPool& buffers, const Peer& peer, std::string_view alpn,
                                  ClientSessions& sessions) const;

  // What is shown to endpoints that ask for it; null without.
  std::shared_ptr<const Certificate> certificate() const;

  const ClientSettings& settings() const { return settings_; }

 private:
  const ClientSettings settings_;
  uint64_t loads_ = 0;
  Published<ClientContext> context_;
};

}  // namespace gatehouse::tls

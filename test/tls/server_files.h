// SPDX-License-Identifier: Apache-2.0
// A listener's TLS of certificates that are made for the test.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "source/tls/server_tls.h"
#include "test/tls/handshake.h"
#include "test/tls/made_certificates.h"

namespace gatehouse::tls {

struct ServerFiles {
  // Writes `made` and names it in the settings.
  void Add(const std::string& name, const Made& made, const std::string& ocsp = {}) {
    CertificateFiles files{folder.Write(name + ".crt", Pem(made)),
                           folder.Write(name + ".key", KeyPem(made))};
    if (!ocsp.empty()) {
      files.ocsp_file = folder.Write(name + ".ocsp", ocsp);
    }
    settings.certificates.push_back(std::move(files));
  }
  void AskClients(ClientAuthMode mode, const Made& authority, const std::string& lists = {}) {
    settings.client_auth.mode = mode;
    settings.client_auth.ca_file = folder.Write("clients.crt", Pem(authority));
    if (!lists.empty()) {
      settings.client_auth.crl_file = folder.Write("clients.crl", lists);
    }
  }
  // `problems` has one line for each.
  std::shared_ptr<ServerTls> Load(const ServerTls* previous = nullptr) {
    problems.clear();
    return ServerTls::Make(settings, previous, [this](const Problem& one) {
      problems.append(one.fatal ? "error " : "warning ").append(one.key);
      problems.append(": ").append(one.message).append("\n");
    });
  }
  bool Says(const std::string& what) const { return problems.find(what) != problems.npos; }

  Folder folder;
  ServerSettings settings;
  std::string problems;
};

inline std::vector<FileNews> Reload(ServerTls& tls, std::shared_ptr<const ServerTlsState>& state) {
  return tls.Reload(WallNow(), &state);
}
inline size_t Reload(ServerTls& tls) {
  std::shared_ptr<const ServerTlsState> state;
  return tls.Reload(WallNow(), &state).size();
}

// Tunings of a client.
inline void OnlyTls12(SSL_CTX* context) { SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION); }
inline void OnlyTls13(SSL_CTX* context) { SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION); }

}  // namespace gatehouse::tls

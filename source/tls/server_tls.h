// SPDX-License-Identifier: Apache-2.0
// What a listener's connections are protected with.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "source/base/error.h"
#include "source/base/published.h"
#include "source/tls/layer.h"

struct ssl_ctx_st;

namespace gatehouse::tls {

struct CertificateFiles {
  std::string cert_file;  // The certificate and its chain, PEM.
  std::string key_file;
  friend bool operator==(const CertificateFiles&, const CertificateFiles&) = default;
};

// `tls:` of a listener.
struct ServerSettings {
  std::vector<CertificateFiles> certificates;
  std::vector<std::string> alpn;  // In the order of preference.
  friend bool operator==(const ServerSettings&, const ServerSettings&) = default;
};

// Outlives all connections that it made layers for. Any thread.
class ServerTls {
 public:
  // Reads the files. An error names the file and what is wrong with it.
  static Result<std::shared_ptr<ServerTls>> Make(const ServerSettings& settings);

  // For a connection that has just come: the certificates of now.
  std::unique_ptr<Layer> NewLayer(BufferPool& buffers) const;

 private:
  Published<ssl_ctx_st> context_;
  std::vector<unsigned char> alpn_;  // As on the wire (RFC 7301 section 3.1).
};

}  // namespace gatehouse::tls

// SPDX-License-Identifier: Apache-2.0
// What a listener's connections are protected with, from the files that its settings name as they
// are by and by.
#pragma once

#include <memory>

#include "source/base/published.h"
#include "source/tls/layer.h"
#include "source/tls/server_context.h"
#include "source/tls/server_settings.h"

namespace gatehouse::tls {

// Outlives all connections that it made layers for. Any thread.
class ServerTls {
 public:
  // Reads the files. Null when there is a fatal problem; all of them are reported.
  static std::shared_ptr<ServerTls> Make(const ServerSettings& settings, const Report& report);

  // For a connection that has just come: the certificates of now.
  std::unique_ptr<Layer> NewLayer(BufferPool& buffers) const;

  const ServerSettings& settings() const { return settings_; }

 private:
  explicit ServerTls(const ServerSettings& settings) : settings_(settings) {}

  const ServerSettings settings_;
  Published<ServerContext> context_;
};

}  // namespace gatehouse::tls

// SPDX-License-Identifier: Apache-2.0
// From configuration text to a compiled snapshot: the one path that start, reload, validate and the
// route tester share.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/config/configuration.h"
#include "source/config/diagnostics.h"
#include "source/config/document.h"
#include "source/config/values.h"
#include "source/observe/metrics.h"
#include "source/pipeline/catalog.h"
#include "source/proxy/snapshot.h"
#include "source/upstream/dns/host_watch.h"

namespace gatehouse::server {

struct RuntimeSettings {
  uint32_t workers = 0;  // As asked for; 0: auto, one per core this process may use.
  Duration drain_timeout{std::chrono::seconds(30)};
  Duration shutdown_delay{0};  // Between failing readiness and closing listeners.
  std::string state_dir;
  std::string log_level = "info";
  proxy::LoopLimits limits;
  upstream::ResolverSettings dns;
  friend bool operator==(const RuntimeSettings&, const RuntimeSettings&) = default;
};

struct AdminSettings {
  bool enabled = false;
  proxy::ListenerSettings listener;
  std::shared_ptr<tls::ServerTls> tls;  // Null: in the clear.
  std::vector<std::string> read_tokens;
  std::vector<std::string> write_tokens;
  bool insecure = false;
};

// The result of one load. `snapshot` is null when there are errors.
struct LoadedConfig {
  config::Diagnostics diagnostics;
  std::shared_ptr<proxy::Snapshot> snapshot;
  RuntimeSettings runtime;
  AdminSettings admin;
  std::string effective;  // `config --effective`: YAML with defaults, secrets redacted.
  // Also of a load with errors; null when nothing was to be included.
  std::shared_ptr<const config::IncludedFiles> included;
};

struct LoadRequest {
  std::string name;  // "gatehouse.yaml", "<stdin>".
  std::string text;
  std::string path;       // Where the text was read; empty when it came another way.
  std::string directory;  // What `include` is relative to, with its slash; "": the working one.
  config::Environment environment;
  const pipeline::Catalog* catalog = nullptr;
  observe::Metrics* metrics = nullptr;
  uint64_t epoch = 1;
  bool activate = true;  // False: only check; nothing is opened, counted or numbered.
  // How many workers run already; 0: as many as the configuration asks for.
  uint32_t workers = 0;
  bool want_effective = true;                 // Whether LoadedConfig::effective is made.
  const proxy::Snapshot* previous = nullptr;  // Objects that did not change are taken over.
  config::Shape* shape = nullptr;             // Where what the loaders ask for is noted.
  uint32_t* next_cluster_id = nullptr;
  uint32_t* next_listener_id = nullptr;
};

// How many workers `runtime` asks for: with `auto` one for each core that this process may use,
// by its affinity and its cgroup's quota.
uint32_t WorkerCount(const RuntimeSettings& runtime);

// Never fails: mistakes are in the diagnostics, all of them. Any thread, one at a time.
std::unique_ptr<LoadedConfig> LoadConfig(const LoadRequest& request);

}  // namespace gatehouse::server

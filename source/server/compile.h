// SPDX-License-Identifier: Apache-2.0
// From where a configuration is written to what is served of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "source/server/config_loader.h"
#include "source/server/packed_text.h"

namespace gatehouse::server {

// Where the configuration comes from.
struct ConfigSource {
  std::string path;  // Of a file, which may be read again; or empty.
  std::string name;  // "gatehouse.yaml", "<stdin>", "<command line>".
  std::string text;  // Without a path: all there is.
};

// A configuration as it is served.
struct ServedConfig {
  std::shared_ptr<proxy::Snapshot> snapshot;
  RuntimeSettings runtime;
  AdminSettings admin;
  std::shared_ptr<const PackedText> effective;
  std::string hash;        // Of its text and what it includes.
  uint64_t text_hash = 0;  // Of its own text.
  // Null when nothing is included.
  std::shared_ptr<const config::IncludedFiles> included;
  // Warnings; without values of environment variables. Never null.
  std::shared_ptr<const config::Diagnostics> diagnostics;
  // Keys whose value takes effect with the next start only.
  std::vector<std::string> restart_required;
};

// What compiling shares with the compilations before and after it. One thread at a time.
struct CompileContext {
  const pipeline::Catalog* catalog = nullptr;
  observe::Metrics* metrics = nullptr;
  uint32_t workers = 0;  // How many run; 0: as many as the first configuration asks for.
  uint32_t next_cluster_id = 0;
  uint32_t next_listener_id = 0;
};

struct Compiled {
  bool unchanged = false;  // The text and the files it names are what is served already.
  std::string error;       // Why the text could not be had; or empty.
  bool read = false;       // Whether the text could be had, right or wrong.
  ServedConfig config;     // Its snapshot is null when something is wrong, or unchanged.
};

// Reads and compiles `source` as epoch `epoch`. `served` may be null. Any thread; takes as long as
// it takes.
Compiled Compile(const ConfigSource& source, const ServedConfig* served, uint64_t epoch,
                 CompileContext& context);

// What is wrong with `text`, which anybody who may ask the admin endpoint may have sent: it does
// not tell what environment variables hold, nor what other files say. Touches nothing.
// What it includes is relative to `directory`.
std::shared_ptr<const config::Diagnostics> Check(std::string text, const std::string& directory,
                                                 const pipeline::Catalog& catalog);

}  // namespace gatehouse::server

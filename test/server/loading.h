// SPDX-License-Identifier: Apache-2.0
// Configurations loaded from text in tests, one after the other as a server would.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "source/filters/builtin.h"
#include "source/observe/metrics.h"
#include "source/server/config_loader.h"

namespace gatehouse::server {

class Loading {
 public:
  std::map<std::string, std::string, std::less<>> variables;
  bool activate = true;
  observe::Metrics metrics;

  // `previous` may be null.
  std::unique_ptr<LoadedConfig> Load(std::string text, const proxy::Snapshot* previous = nullptr) {
    LoadRequest request;
    request.name = "f.yaml";
    request.text = std::move(text);
    request.environment = [this](std::string_view name) {
      const auto found = variables.find(name);
      return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
    };
    request.catalog = &catalog_;
    request.metrics = &metrics;
    request.epoch = ++epoch_;
    request.activate = activate;
    request.previous = previous;
    request.next_cluster_id = &next_cluster_id_;
    request.next_listener_id = &next_listener_id_;
    return LoadConfig(request);
  }

 private:
  const pipeline::Catalog catalog_ = BuiltinFilters();
  uint64_t epoch_ = 0;
  uint32_t next_cluster_id_ = 0;
  uint32_t next_listener_id_ = 0;
};

}  // namespace gatehouse::server

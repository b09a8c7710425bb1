// SPDX-License-Identifier: Apache-2.0
#include "source/server/compile.h"

#include <array>
#include <cstdio>
#include <unordered_set>
#include <utility>

#include "source/server/redact.h"

namespace gatehouse::server {
namespace {

// FNV-1a: tells texts apart, and means nothing else.
std::string HashOf(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  std::array<char, 17> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(hash));
  return digits.data();
}

// Whether the files that the filters in use were loaded from are still the same.
bool SourcesUnchanged(const proxy::Snapshot& snapshot) {
  std::unordered_set<const pipeline::Chain*> chains;
  for (const proxy::ListenerPlan& plan : snapshot.listeners) {
    chains.insert(plan.chains.begin(), plan.chains.end());
    chains.insert(plan.no_route);
  }
  chains.erase(nullptr);
  for (const pipeline::Chain* chain : chains) {
    for (const auto& definition : chain->definitions()) {
      if (!definition->SourcesUnchanged()) {
        return false;
      }
    }
  }
  return true;
}

LoadRequest RequestFor(const ConfigSource& source, std::string text, const ServedConfig* served,
                       uint64_t epoch, CompileContext& context) {
  LoadRequest request;
  request.name = source.name;
  request.text = std::move(text);
  request.catalog = context.catalog;
  request.metrics = context.metrics;
  request.epoch = epoch;
  request.workers = context.workers;
  request.previous = served == nullptr ? nullptr : served->snapshot.get();
  request.next_cluster_id = &context.next_cluster_id;
  request.next_listener_id = &context.next_listener_id;
  return request;
}

}  // namespace

Compiled Compile(const ConfigSource& source, const ServedConfig* served, uint64_t epoch,
                 CompileContext& context) {
  Compiled out;
  out.config.diagnostics = std::make_shared<config::Diagnostics>();
  std::string text = source.text;
  if (!source.path.empty()) {
    Result<std::string> read = config::ReadSource(source.path);
    if (!read) {
      out.error = read.error().message;
      return out;
    }
    text = std::move(*read);
  }
  out.config.hash = HashOf(text);
  if (served != nullptr && served->hash == out.config.hash && SourcesUnchanged(*served->snapshot)) {
    out.unchanged = true;
    return out;
  }
  WatchedEnvironment environment;
  LoadRequest request = RequestFor(source, std::move(text), served, epoch, context);
  request.environment = environment.Lookup();
  const std::unique_ptr<LoadedConfig> loaded = LoadConfig(request);
  out.config.diagnostics = Redact(loaded->diagnostics, environment.values(), OtherFiles::kShown);
  out.config.snapshot = std::move(loaded->snapshot);
  out.config.runtime = std::move(loaded->runtime);
  out.config.admin = std::move(loaded->admin);
  out.config.effective = std::make_shared<std::string>(std::move(loaded->effective));
  return out;
}

std::shared_ptr<const config::Diagnostics> Check(std::string text,
                                                 const pipeline::Catalog& catalog) {
  observe::Metrics metrics;
  CompileContext context;
  context.catalog = &catalog;
  context.metrics = &metrics;
  ConfigSource source;
  source.name = "<request>";
  LoadRequest request = RequestFor(source, std::move(text), nullptr, 1, context);
  WatchedEnvironment environment;
  request.environment = environment.Lookup();
  request.activate = false;
  request.want_effective = false;
  return Redact(LoadConfig(request)->diagnostics, environment.values(), OtherFiles::kHidden);
}

}  // namespace gatehouse::server

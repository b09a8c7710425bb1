// SPDX-License-Identifier: Apache-2.0
#include "source/server/compile.h"

#include <malloc.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <unordered_set>
#include <utility>

#include "source/route/action_config.h"
#include "source/server/redact.h"

namespace gatehouse::server {
namespace {

std::string Digits(uint64_t hash) {
  std::array<char, 17> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(hash));
  return digits.data();
}

// Whether what is served includes the same text as it would now.
bool IncludedUnchanged(const ServedConfig& served) {
  if (served.included == nullptr) {
    return true;
  }
  const std::optional<uint64_t> now = served.included->HashNow(served.text_hash);
  return now && *now == served.included->Hash(served.text_hash);
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

// The same for the files that fixed answers of routes were read from.
bool AnswersUnchanged(const proxy::Snapshot& snapshot) {
  if (snapshot.routes == nullptr) {
    return true;
  }
  const auto& routes = snapshot.routes->routes();
  return std::all_of(routes.begin(), routes.end(), [](const auto& route) {
    return (route->respond() == nullptr || route::SourceUnchanged(*route->respond())) &&
           (!route->fallback.has_value() || route::SourceUnchanged(route->fallback->respond));
  });
}

LoadRequest RequestFor(const ConfigSource& source, std::string text, const ServedConfig* served,
                       uint64_t epoch, CompileContext& context) {
  LoadRequest request;
  request.name = source.name;
  request.text = std::move(text);
  request.path = source.path;
  request.directory = config::DirectoryOf(source.path);
  request.catalog = context.catalog;
  request.metrics = context.metrics;
  request.epoch = epoch;
  request.workers = context.workers;
  request.previous = served == nullptr ? nullptr : served->snapshot.get();
  request.next_cluster_id = &context.next_cluster_id;
  request.next_listener_id = &context.next_listener_id;
  return request;
}

// The text, from its file or as it was given.
Result<std::string> TextOf(const ConfigSource& source, const ServedConfig* served) {
  if (source.path.empty()) {
    return source.text;
  }
  // A pipe may be where the first configuration comes from; a reload does not wait for one.
  return served == nullptr ? config::ReadSource(source.path) : config::ReadFile(source.path);
}

void Take(LoadedConfig& loaded, const std::vector<std::string>& secrets, ServedConfig& out) {
  out.diagnostics = Redact(loaded.diagnostics, secrets, OtherFiles::kShown);
  out.snapshot = std::move(loaded.snapshot);
  out.runtime = std::move(loaded.runtime);
  out.admin = std::move(loaded.admin);
  out.effective = std::make_shared<PackedText>(std::exchange(loaded.effective, {}));
  out.included = std::move(loaded.included);
  out.hash = Digits(out.included == nullptr ? out.text_hash : out.included->Hash(out.text_hash));
}

// One attempt; `*moved` when the files did meanwhile, so that it may be a mixture of two versions.
Compiled CompileOnce(const ConfigSource& source, const ServedConfig* served, uint64_t epoch,
                     CompileContext& context, bool* moved) {
  Compiled out;
  out.config.diagnostics = std::make_shared<config::Diagnostics>();
  const config::FileStamp before = config::FileStamp::Of(source.path);
  Result<std::string> text = TextOf(source, served);
  if (!text) {
    out.error = text.error().message;
    *moved = false;
    return out;
  }
  out.read = true;
  out.config.text_hash = config::HashOf(*text);
  if (served != nullptr && served->text_hash == out.config.text_hash &&
      IncludedUnchanged(*served) && SourcesUnchanged(*served->snapshot) &&
      AnswersUnchanged(*served->snapshot)) {
    out.unchanged = true;
    *moved = false;
    return out;
  }
  WatchedEnvironment environment;
  LoadRequest request = RequestFor(source, *std::move(text), served, epoch, context);
  request.environment = environment.Lookup();
  const std::unique_ptr<LoadedConfig> loaded = LoadConfig(request);
  Take(*loaded, environment.values(), out.config);
  *moved = out.config.included != nullptr &&
           (!out.config.included->Unchanged() || config::FileStamp::Of(source.path) != before);
  return out;
}

}  // namespace

Compiled Compile(const ConfigSource& source, const ServedConfig* served, uint64_t epoch,
                 CompileContext& context) {
  constexpr int kAttempts = 5;
  Compiled out;
  bool moved = true;
  for (int attempt = 0; attempt < kAttempts && moved; ++attempt) {
    out = CompileOnce(source, served, epoch, context, &moved);
  }
  // What parsing took, many times the text, would stay with this thread's heap.
  if (!out.unchanged) {
    malloc_trim(0);
  }
  if (!moved) {
    return out;
  }
  out.config.snapshot.reset();
  out.error = "can't read \"" + source.path + "\": the files it includes keep changing";
  return out;
}

std::shared_ptr<const config::Diagnostics> Check(std::string text, const std::string& directory,
                                                 const pipeline::Catalog& catalog) {
  observe::Metrics metrics;
  CompileContext context;
  context.catalog = &catalog;
  context.metrics = &metrics;
  ConfigSource source;
  source.name = "<request>";
  LoadRequest request = RequestFor(source, std::move(text), nullptr, 1, context);
  request.directory = directory;
  WatchedEnvironment environment;
  request.environment = environment.Lookup();
  request.activate = false;
  request.want_effective = false;
  return Redact(LoadConfig(request)->diagnostics, environment.values(), OtherFiles::kHidden);
}

}  // namespace gatehouse::server

// SPDX-License-Identifier: Apache-2.0
#include "source/server/checked_config.h"

#include <utility>

#include "source/filters/builtin.h"

namespace gatehouse::server {
namespace {

// "1 route", "2 routes"
std::string Count(size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

}  // namespace

std::string SourceName(const std::string& path) { return path == "-" ? "<stdin>" : path; }

CheckedConfig::CheckedConfig(const std::string& name, std::string text,
                             const config::Environment& environment, const std::string& path)
    : name_(name), text_(std::move(text)), catalog_(BuiltinFilters()) {
  LoadRequest request;
  request.name = name;
  request.text = text_;
  request.path = path;
  request.directory = config::DirectoryOf(path);
  request.environment = environment;
  request.catalog = &catalog_;
  request.activate = false;
  loaded_ = LoadConfig(request);
}

bool CheckedConfig::valid(bool strict) const {
  const config::Diagnostics& diagnostics = loaded_->diagnostics;
  return diagnostics.ok() && (!strict || diagnostics.warnings() == 0);
}

std::string CheckedConfig::Report(bool strict) const {
  return loaded_->diagnostics.ToText() + Summary(strict);
}

std::string CheckedConfig::Summary(bool strict) const {
  const config::Diagnostics& diagnostics = loaded_->diagnostics;
  std::string out = name_ + ": ";
  const std::string warnings = Count(diagnostics.warnings(), "warning");
  if (!diagnostics.ok()) {
    out += Count(diagnostics.errors(), "error");
    return out + (diagnostics.warnings() == 0 ? "" : ", " + warnings) + "\n";
  }
  if (!valid(strict)) {
    return out + warnings + ", and --strict allows none\n";
  }
  const proxy::Snapshot& snapshot = *loaded_->snapshot;
  return out + "ok" + (diagnostics.warnings() == 0 ? "" : ", " + warnings) + " (" +
         Count(snapshot.listeners.size(), "listener") + ", " +
         Count(snapshot.clusters.size(), "cluster") + ", " +
         Count(snapshot.routes->routes().size(), "route") + ")\n";
}

Result<std::unique_ptr<CheckedConfig>> CheckFile(const std::string& path) {
  Result<std::string> text = config::ReadSource(path);
  if (!text) {
    return tl::unexpected<Error>(std::move(text.error()));
  }
  return std::make_unique<CheckedConfig>(SourceName(path), *std::move(text),
                                         config::ProcessEnvironment(), path == "-" ? "" : path);
}

}  // namespace gatehouse::server

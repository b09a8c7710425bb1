// SPDX-License-Identifier: Apache-2.0
// A configuration file, checked: for commands that don't serve.
#pragma once

#include <memory>
#include <string>

#include "source/server/config_loader.h"

namespace gatehouse::server {

// The name of `path` in diagnostics: itself, or "<stdin>" for "-".
std::string SourceName(const std::string& path);

// A text that was checked with this build's filters.
class CheckedConfig {
 public:
  // `path` is where the text was read; empty when it came another way.
  CheckedConfig(const std::string& name, std::string text, const config::Environment& environment,
                const std::string& path = "");

  const LoadedConfig& operator*() const { return *loaded_; }
  const LoadedConfig* operator->() const { return loaded_.get(); }
  // What `validate` says: one line for each diagnostic, and a last one with their number, or with
  // what there is. `strict`: warnings make it invalid.
  std::string Report(bool strict = false) const;
  // The last line of it.
  std::string Summary(bool strict = false) const;
  // The text that was checked, for excerpts.
  const std::string& text() const { return text_; }
  bool valid(bool strict = false) const;

 private:
  const std::string name_;
  const std::string text_;
  const pipeline::Catalog catalog_;
  std::unique_ptr<LoadedConfig> loaded_;
};

// Reads `path` and checks it with this process's environment. An error when it can't be read.
Result<std::unique_ptr<CheckedConfig>> CheckFile(const std::string& path);

}  // namespace gatehouse::server

// SPDX-License-Identifier: Apache-2.0
// A configuration as one tree, whether it lies in one file or includes others.
//
// At the top level the files are merged: lists (listeners, routes) are appended in the order of the
// files, mappings (filters, clusters) joined by name. What there is one of (admin, runtime) belongs
// in the file that includes. The paths of diagnostics are those of the merged tree; their files,
// lines and columns those of the file that says it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/config/document.h"
#include "source/config/include.h"

namespace gatehouse::config {

class Configuration {
 public:
  // The file that includes the others.
  struct Main {
    std::string name;  // In diagnostics.
    std::string_view text;
    std::string path;       // Where the text was read; empty when it came another way.
    std::string directory;  // What `include` is relative to, with its slash; "": the working one.
  };

  // Parses `main` and reads and parses what it includes. Never fails: mistakes are in
  // `diagnostics`, which must outlive the Configuration. The limits hold for all files together.
  static std::unique_ptr<Configuration> Parse(const Main& main, const Environment& environment,
                                              Diagnostics& diagnostics,
                                              const DocumentLimits& limits = {});
  ~Configuration();

  // As Document's.
  Object Root() const;
  Value RootValue() const;

  // Null when nothing was to be included.
  std::shared_ptr<const IncludedFiles> included() const { return included_; }

 private:
  struct Merged;
  Configuration();
  void Include(const Main& main, const Environment& environment, DocumentLimits limits);

  Diagnostics* diagnostics_ = nullptr;
  std::unique_ptr<Merged> merged_;
  std::shared_ptr<const IncludedFiles> included_;
};

}  // namespace gatehouse::config

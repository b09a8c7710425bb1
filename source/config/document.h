// SPDX-License-Identifier: Apache-2.0
// A configuration text, parsed once into nodes with positions. The only includer of yaml-cpp is
// document.cc.
//
// `${NAME}` and `${NAME:-default}` are expanded in scalars after parsing. Aliases count towards
// max_nodes each time they are used, so an alias bomb is an error and costs nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/base/error.h"
#include "source/config/diagnostics.h"
#include "source/config/object.h"

namespace gatehouse::config {

// Looks an environment variable up; nothing when it is unset.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;
Environment ProcessEnvironment();

struct DocumentLimits {
  uint64_t max_bytes = 64u << 20;
  uint64_t max_nodes = 4'000'000;  // Aliases count as what they stand for.
  uint32_t max_depth = 64;
};

class Document {
 public:
  // Parses `text`, called `name` in diagnostics. Never fails: a text that can't be parsed is an
  // error in `diagnostics` and an empty document. `diagnostics` must outlive the Document.
  static std::unique_ptr<Document> Parse(std::string name, std::string_view text,
                                         const Environment& environment, Diagnostics& diagnostics,
                                         const DocumentLimits& limits = {});
  ~Document();

  // The root mapping. An error when the root is something else.
  Object Root() const;
  Value RootValue() const;
  // Null when there is none.
  const Node* root() const;
  // How many values there are, those that aliases stand for included.
  uint64_t size() const;

 private:
  Document();
  struct Nodes;
  std::unique_ptr<Nodes> nodes_;
  Diagnostics* diagnostics_ = nullptr;
};

// Reads a whole file, or standard input for "-". Errors name the path and the reason. A regular
// file that changes while it is read is read again; one that is too large is not read at all. A
// pipe is waited for.
Result<std::string> ReadSource(const std::string& path,
                               uint64_t max_bytes = DocumentLimits{}.max_bytes);

// The same for what can be read again at any time, and never waits: pipes, sockets and terminals
// are refused.
Result<std::string> ReadFile(const std::string& path,
                             uint64_t max_bytes = DocumentLimits{}.max_bytes);

}  // namespace gatehouse::config

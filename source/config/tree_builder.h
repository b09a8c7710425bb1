// SPDX-License-Identifier: Apache-2.0
// Builds the tree of a document from the events of a YAML parser: refuses duplicate keys, resolves
// aliases and merge keys, expands variables, keeps the limits.
//
// What an alias stands for is counted each time and copied never, so an alias bomb is an error that
// cost nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "source/config/document.h"
#include "source/config/node.h"

namespace gatehouse::config {

// The memory of a tree. Keys are shared: equal ones are one pointer.
struct TreeStorage {
  std::pmr::monotonic_buffer_resource bytes;
  std::unordered_set<std::string_view> keys;
};

// Where an event is: line and column from 1, offset in bytes.
struct Place {
  uint32_t line = 0;
  uint32_t column = 0;
  size_t offset = 0;
};

// A scalar as the parser saw it.
struct ScalarEvent {
  std::string_view text;
  bool plain = true;
};

// The anchor of a node, 0 for none. Numbers grow by one with each anchor, from 1.
using AnchorId = size_t;

// Every event returns whether to go on: false after an error that leaves no tree.
class TreeBuilder {
 public:
  struct Source {
    std::string_view text;
    uint32_t file = 0;
  };
  TreeBuilder(Source source, const Environment& environment, const DocumentLimits& limits,
              Diagnostics& diagnostics, TreeStorage& storage);

  bool Null(Place at, AnchorId anchor);
  bool Scalar(Place at, AnchorId anchor, ScalarEvent scalar);
  bool Alias(Place at, AnchorId anchor);
  // `kind` is a list or a mapping; `flow`: written with brackets or braces.
  bool Start(Place at, AnchorId anchor, Kind kind, bool flow);
  bool End();

  // The tree, once the last collection has ended.
  const std::optional<Node>& root() const { return root_; }
  // How many values there are, aliases followed.
  uint64_t size() const { return nodes_; }

 private:
  // What a node stands for with all aliases followed.
  struct Extent {
    uint64_t nodes = 0;
    uint64_t bytes = 0;
    uint32_t height = 0;  // 0 for a scalar.
  };
  struct Anchor {
    bool complete = false;
    Node node;
    Extent extent;
  };
  // A collection that is open.
  struct Frame {
    Node node;
    bool flow = false;
    AnchorId anchor = 0;
    size_t first = 0;  // Its first entry in pending_.
    uint64_t nodes_before = 0;
    uint64_t bytes_before = 0;
    uint32_t height = 0;
    // Of a mapping, while a value is awaited. No key: it was refused, the value will be dropped.
    bool awaits_value = false;
    bool merging = false;
    Entry entry;
    std::optional<Node> merge;
    std::unique_ptr<std::unordered_map<const std::string_view*, uint32_t>> lines;  // By key.
  };

  bool AwaitsKey() const;
  void TakeKey(Place at, std::string_view text, bool plain);
  void RefuseKey(Place at, const char* what);
  bool Complete(Place at, AnchorId anchor, Node node, uint32_t height);
  void Append(const Entry& entry);
  // The line of an earlier entry with this key in the open mapping, or 0.
  uint32_t EarlierLine(const std::string_view* key) const;
  void Merge(const Node& from);
  void MergeEntries(const Node& from);
  void ExpandInto(Node& node, std::string_view text);
  void Store(Frame& frame);

  Node MakeNode(Place at, Kind kind) const;
  Place BlameForNull(Place at) const;
  const std::string_view* Key(std::string_view text);
  std::string_view Share(std::string_view text);
  std::string_view Copy(std::string_view text);
  std::string PathHere() const;
  bool Count(Place at, uint64_t nodes, uint64_t bytes);
  void Report(Place at, std::string message);

  const Source source_;
  const Environment& environment_;
  const DocumentLimits& limits_;
  Diagnostics& diagnostics_;
  TreeStorage& storage_;
  std::unordered_set<std::string_view> shared_;  // Short scalars, which repeat.
  std::vector<Frame> frames_;
  std::vector<Entry> pending_;  // Elements and entries of the open collections.
  std::vector<Anchor> anchors_;
  std::optional<Node> root_;
  uint64_t nodes_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace gatehouse::config

// SPDX-License-Identifier: Apache-2.0
#include "source/config/tree_builder.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

#include "source/config/expand.h"
#include "source/config/wording.h"

namespace gatehouse::config {
namespace {

constexpr std::string_view kMergeKey = "<<";
// Mappings up to this size look for duplicates by walking, larger ones by hashing.
constexpr size_t kWalkedEntries = 16;

bool IsExplicitNull(std::string_view text) {
  return text.starts_with('~') || text.starts_with("null") || text.starts_with("Null") ||
         text.starts_with("NULL") || text.starts_with('&') || text.starts_with('!');
}

// The last dash before `at`, where `before` ends, outside comments.
Place LastDash(std::string_view before, Place at) {
  Place dash = at;
  while (dash.line > 0) {
    const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0.
    std::string_view line = before.substr(line_start);
    line = line.substr(0, line.find('#'));
    if (const size_t found = line.rfind('-'); found != line.npos) {
      dash.column = static_cast<uint32_t>(found + 1);
      return dash;
    }
    --dash.line;
    before = before.substr(0, line_start == 0 ? 0 : line_start - 1);
  }
  return at;
}

}  // namespace

TreeBuilder::TreeBuilder(Source source, const Environment& environment,
                         const DocumentLimits& limits, Diagnostics& diagnostics,
                         TreeStorage& storage)
    : source_(source),
      environment_(environment),
      limits_(limits),
      diagnostics_(diagnostics),
      storage_(storage) {}

bool TreeBuilder::Null(Place at, AnchorId anchor) {
  if (AwaitsKey()) {
    RefuseKey(at, "nothing");
    return true;
  }
  const Place blamed = BlameForNull(at);
  return Count(blamed, 1, 0) && Complete(blamed, anchor, MakeNode(blamed, Kind::kNull), 0);
}

bool TreeBuilder::Scalar(Place at, AnchorId anchor, ScalarEvent scalar) {
  if (!Count(at, 1, scalar.text.size())) {
    return false;
  }
  Node node = MakeNode(at, Kind::kScalar);
  node.flags = scalar.plain ? 0 : Node::kQuoted;
  const bool is_key = AwaitsKey();
  if (scalar.text.find('\0') != std::string_view::npos) {
    Report(at, "a NUL character");
    node.flags |= Node::kUnusable;
    scalar.text = "";
  }
  if (!is_key && NeedsExpansion(scalar.text)) {
    ExpandInto(node, scalar.text);
    if (!Count(at, 0, node.size)) {
      return false;
    }
  } else {
    const std::string_view stored = Share(scalar.text);
    node.text = stored.data();
    node.size = static_cast<uint32_t>(stored.size());
  }
  return Complete(at, anchor, node, 0);
}

void TreeBuilder::ExpandInto(Node& node, std::string_view text) {
  const Result<Expansion> expanded = Expand(text, environment_);
  if (!expanded) {
    Report({node.line, node.column}, expanded.error().message);
    node.flags |= Node::kUnusable;
  } else if (expanded->from_environment) {
    node.flags |= Node::kFromEnvironment;
  }
  const std::string_view stored = Share(expanded ? expanded->text : text);
  node.text = stored.data();
  node.size = static_cast<uint32_t>(stored.size());
}

bool TreeBuilder::Alias(Place at, AnchorId anchor) {
  if (anchor >= anchors_.size() || !anchors_[anchor].complete) {
    Report(at, "an alias inside what it stands for");
    return false;
  }
  const Anchor& target = anchors_[anchor];
  if (!Count(at, target.extent.nodes, target.extent.bytes)) {
    return false;
  }
  if (frames_.size() + target.extent.height > limits_.max_depth) {
    Report(at, "aliases nest deeper than " + std::to_string(limits_.max_depth) + " levels");
    return false;
  }
  Node node = target.node;
  node.line = at.line;
  node.column = at.column;
  return Complete(at, 0, node, target.extent.height);
}

bool TreeBuilder::Start(Place at, AnchorId anchor, Kind kind, bool flow) {
  if (frames_.size() >= limits_.max_depth) {
    Report(at, "nested deeper than " + std::to_string(limits_.max_depth) + " levels");
    return false;
  }
  // A collection below its key is blamed at the key: its own place is that of its first entry.
  if (!flow && !frames_.empty() && frames_.back().awaits_value && frames_.back().entry.key) {
    const Entry& entry = frames_.back().entry;
    at = {entry.line, entry.column, at.offset};
  }
  Frame frame;
  frame.node = MakeNode(at, kind);
  frame.flow = flow;
  frame.anchor = anchor;
  frame.first = pending_.size();
  frame.nodes_before = nodes_;
  frame.bytes_before = bytes_;
  if (anchor >= anchors_.size() && anchor != 0) {
    anchors_.resize(anchor + 1);
  }
  frames_.push_back(std::move(frame));
  return Count(at, 1, 0);
}

bool TreeBuilder::End() {
  if (frames_.back().merge) {
    Merge(*frames_.back().merge);
  }
  Frame frame = std::move(frames_.back());
  frames_.pop_back();
  Store(frame);
  pending_.resize(frame.first);
  const Place at{frame.node.line, frame.node.column};
  if (frame.anchor != 0) {
    anchors_[frame.anchor].extent = {nodes_ - frame.nodes_before, bytes_ - frame.bytes_before, 0};
  }
  return Complete(at, frame.anchor, frame.node, frame.height + 1);
}

// Moves the entries of `frame` from pending_ to where they stay.
void TreeBuilder::Store(Frame& frame) {
  const size_t count = pending_.size() - frame.first;
  frame.node.size = static_cast<uint32_t>(count);
  if (frame.node.kind == Kind::kMap) {
    auto* to = static_cast<Entry*>(
        storage_.bytes.allocate(std::max<size_t>(count, 1) * sizeof(Entry), alignof(Entry)));
    std::uninitialized_copy_n(pending_.begin() + frame.first, count, to);
    frame.node.first_entry = to;
    return;
  }
  auto* to = static_cast<Node*>(
      storage_.bytes.allocate(std::max<size_t>(count, 1) * sizeof(Node), alignof(Node)));
  for (size_t i = 0; i < count; ++i) {
    new (to + i) Node(pending_[frame.first + i].value);
  }
  frame.node.first_element = to;
}

// A node is whole: remembers it for aliases and hands it to the collection around it.
bool TreeBuilder::Complete(Place at, AnchorId anchor, Node node, uint32_t height) {
  if (anchor != 0) {
    anchors_.resize(std::max(anchors_.size(), anchor + 1));
    Anchor& target = anchors_[anchor];
    target.complete = true;
    target.node = node;
    target.extent.height = height;
    if (height == 0) {
      target.extent = {1, node.size, 0};
    }
  }
  if (frames_.empty()) {
    root_ = node;
    return true;
  }
  Frame& frame = frames_.back();
  frame.height = std::max(frame.height, height);
  if (frame.node.kind == Kind::kList) {
    pending_.push_back({nullptr, 0, 0, node});
  } else if (frame.awaits_value) {
    frame.awaits_value = false;
    if (frame.merging) {
      frame.merge = node;
    } else if (frame.entry.key != nullptr) {
      frame.entry.value = node;
      Append(frame.entry);
    }
  } else if (node.kind == Kind::kScalar) {
    TakeKey(at, node.scalar(), !node.Is(Node::kQuoted));
  } else {
    RefuseKey(at, node.kind == Kind::kMap    ? "a mapping"
                  : node.kind == Kind::kList ? "a list"
                                             : "nothing");
  }
  return true;
}

bool TreeBuilder::AwaitsKey() const {
  return !frames_.empty() && frames_.back().node.kind == Kind::kMap && !frames_.back().awaits_value;
}

void TreeBuilder::TakeKey(Place at, std::string_view text, bool plain) {
  Frame& frame = frames_.back();
  const std::string_view* key = Key(text);
  const uint32_t earlier = EarlierLine(key);
  frame.awaits_value = true;
  frame.merging = plain && text == kMergeKey;
  frame.entry = Entry{key, at.line, at.column, {}};
  if (earlier != 0 || (frame.merging && frame.merge)) {
    const uint32_t first = earlier != 0 ? earlier : frame.merge->line;
    Report(at, "duplicate key, first at line " + std::to_string(first));
    frame.entry.key = nullptr;
    frame.merging = false;
  }
}

void TreeBuilder::RefuseKey(Place at, const char* what) {
  Report(at, std::string("expected a key, got ") + what);
  frames_.back().awaits_value = true;
  frames_.back().merging = false;
  frames_.back().entry = {};
}

uint32_t TreeBuilder::EarlierLine(const std::string_view* key) const {
  const Frame& frame = frames_.back();
  if (frame.lines) {
    const auto found = frame.lines->find(key);
    return found == frame.lines->end() ? 0 : found->second;
  }
  for (size_t i = frame.first; i < pending_.size(); ++i) {
    if (pending_[i].key == key) {
      return pending_[i].line;
    }
  }
  return 0;
}

// Adds an entry to the innermost open mapping.
void TreeBuilder::Append(const Entry& entry) {
  Frame& frame = frames_.back();
  pending_.push_back(entry);
  if (frame.lines) {
    frame.lines->emplace(entry.key, entry.line);
  } else if (pending_.size() - frame.first > kWalkedEntries) {
    frame.lines = std::make_unique<std::unordered_map<const std::string_view*, uint32_t>>();
    for (size_t i = frame.first; i < pending_.size(); ++i) {
      frame.lines->emplace(pending_[i].key, pending_[i].line);
    }
  }
}

// `<<: *defaults` or `<<: [*first, *second]`: keys written out win, then earlier mappings.
void TreeBuilder::Merge(const Node& from) {
  const std::span<const Node> sources =
      from.kind == Kind::kList ? from.elements() : std::span(&from, 1);
  for (const Node& source : sources) {
    if (source.kind == Kind::kMap) {
      MergeEntries(source);
    } else {
      diagnostics_.Error(source.position(), KeyPath(PathHere(), kMergeKey),
                         "expected a mapping or a list of mappings to merge");
    }
  }
}

void TreeBuilder::MergeEntries(const Node& from) {
  for (const Entry& entry : from.entries()) {
    if (EarlierLine(entry.key) == 0) {
      Append(entry);
    }
  }
}

Node TreeBuilder::MakeNode(Place at, Kind kind) const {
  Node node;
  node.kind = kind;
  node.line = at.line;
  node.column = at.column;
  node.file = static_cast<uint16_t>(source_.file);
  return node;
}

// An empty value is reported by the parser at whatever comes next. Blamed instead: its key, or the
// dash of its element.
Place TreeBuilder::BlameForNull(Place at) const {
  if (frames_.empty()) {
    return at;
  }
  const Frame& frame = frames_.back();
  if (frame.awaits_value) {
    return frame.entry.key ? Place{frame.entry.line, frame.entry.column, at.offset} : at;
  }
  const std::string_view text = source_.text;
  if (frame.flow || IsExplicitNull(text.substr(std::min(at.offset, text.size())))) {
    return at;
  }
  return LastDash(text.substr(0, std::min(at.offset, text.size())), at);
}

const std::string_view* TreeBuilder::Key(std::string_view text) {
  const auto found = storage_.keys.find(text);
  return &*(found != storage_.keys.end() ? found : storage_.keys.insert(Share(text)).first);
}

std::string_view TreeBuilder::Share(std::string_view text) {
  constexpr size_t kMaxShared = 64;
  if (text.size() > kMaxShared) {
    return Copy(text);
  }
  const auto found = shared_.find(text);
  return found != shared_.end() ? *found : *shared_.insert(Copy(text)).first;
}

std::string_view TreeBuilder::Copy(std::string_view text) {
  char* out = static_cast<char*>(storage_.bytes.allocate(std::max<size_t>(text.size(), 1), 1));
  std::memcpy(out, text.data(), text.size());
  return {out, text.size()};
}

std::string TreeBuilder::PathHere() const {
  std::string path;
  for (size_t i = 0; i < frames_.size(); ++i) {
    const Frame& frame = frames_[i];
    const size_t end = i + 1 < frames_.size() ? frames_[i + 1].first : pending_.size();
    if (frame.node.kind == Kind::kList) {
      path = ElementPath(path, end - frame.first);
    } else if (frame.awaits_value && frame.entry.key != nullptr) {
      path = KeyPath(path, *frame.entry.key);
    }
  }
  return path;
}

// Adds to what the document stands for, aliases followed.
bool TreeBuilder::Count(Place at, uint64_t nodes, uint64_t bytes) {
  nodes_ += nodes;
  bytes_ += bytes;
  if (nodes_ > limits_.max_nodes) {
    Report(at, "more than " + std::to_string(limits_.max_nodes) +
                   " values, those that aliases stand for included");
    return false;
  }
  if (bytes_ > limits_.max_bytes) {
    Report(at, "more than " + std::to_string(limits_.max_bytes) +
                   " bytes of text, that of aliases and variables included");
    return false;
  }
  return true;
}

void TreeBuilder::Report(Place at, std::string message) {
  diagnostics_.Error({source_.file, at.line, at.column}, PathHere(), std::move(message));
}

}  // namespace gatehouse::config

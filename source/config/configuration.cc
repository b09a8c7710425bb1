// SPDX-License-Identifier: Apache-2.0
#include "source/config/configuration.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

#include "source/config/node.h"
#include "source/config/wording.h"

namespace gatehouse::config {
namespace {

constexpr std::string_view kInclude = "include";

bool IsOneOf(std::string_view key, std::initializer_list<std::string_view> keys) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}
bool IsListSection(std::string_view key) { return IsOneOf(key, {"listeners", "routes"}); }
bool IsMapSection(std::string_view key) { return IsOneOf(key, {"filters", "clusters"}); }
bool IsOnlyInMain(std::string_view key) { return IsOneOf(key, {"admin", "runtime", "registry"}); }

// Whether a YAML text has nothing but comments, directives' end and space: a file that was switched
// off.
bool HoldsNothing(std::string_view text) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const size_t first = line.find_first_not_of(" \t\r");
    if (first != line.npos && line[first] != '#' && !line.starts_with("---")) {
      return false;
    }
  }
  return true;
}

// A section that was joined from several files.
struct JoinedSection {
  std::vector<Node> elements;
  std::vector<Entry> entries;
  std::unordered_map<std::string_view, Position> names;  // Of entries.
};

}  // namespace

// The documents, and a root above them.
struct Configuration::Merged {
  explicit Merged(Diagnostics& diagnostics) : diagnostics(diagnostics) {}

  // Adds the top level of an included file.
  void Add(const Node& from);
  // Makes the tree whole, after the last Add().
  void Finish();
  std::string PlaceOf(Position at) const { return diagnostics.PlaceOf(at); }

  Diagnostics& diagnostics;
  std::vector<std::unique_ptr<Document>> documents;  // The main one first.
  std::optional<Node> root;                          // Instead of the first document's.

 private:
  void AddOther(const Entry& entry);
  void AddVersion(const Entry& entry);
  void Join(const Entry& entry);
  void JoinEntries(std::string_view section, JoinedSection& joined, const Node& from);
  Entry* Find(std::string_view key);
  void Error(const Entry& entry, std::string message) {
    diagnostics.Error(entry.key_position(), KeyPath("", *entry.key), std::move(message));
  }
  const Entry& MainEntry(std::string_view key) const;

  std::vector<Entry> entries_;  // Of the root.
  std::unordered_map<std::string_view, JoinedSection> joined_;
};

void Configuration::Merged::Add(const Node& from) {
  if (!root) {
    root = *documents.front()->root();
    entries_.assign(root->entries().begin(), root->entries().end());
  }
  for (const Entry& entry : from.entries()) {
    const std::string_view key = *entry.key;
    if (IsListSection(key) || IsMapSection(key)) {
      Join(entry);
    } else {
      AddOther(entry);
    }
  }
}

void Configuration::Merged::AddOther(const Entry& entry) {
  const std::string& main = diagnostics.files()[root->file];
  const std::string_view key = *entry.key;
  if (key == kInclude) {
    Error(entry, "an included file can't include others: name them in " + main);
  } else if (IsOnlyInMain(key)) {
    Error(entry, "belongs in " + main +
                     ": an included file has listeners, filters, clusters and routes only");
  } else if (key == "version") {
    AddVersion(entry);
  } else {
    entries_.push_back(entry);  // Reported as unknown with the root's own.
  }
}

void Configuration::Merged::AddVersion(const Entry& entry) {
  const Entry* first = Find("version");
  if (first == nullptr) {
    entries_.push_back(entry);
  } else if (first->value.scalar() != entry.value.scalar()) {
    diagnostics.Error(entry.value.position(), "version",
                      "differs from the one at " + PlaceOf(first->value.position()));
  }
}

Entry* Configuration::Merged::Find(std::string_view key) {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return *entry.key == key; });
  return found == entries_.end() ? nullptr : &*found;
}

void Configuration::Merged::Join(const Entry& entry) {
  const std::string_view key = *entry.key;
  const Kind wanted = IsListSection(key) ? Kind::kList : Kind::kMap;
  if (entry.value.kind == Kind::kNull) {
    return;
  }
  if (entry.value.kind != wanted) {
    const Value wrong(&entry.value, std::string(key), &diagnostics);
    if (wanted == Kind::kList) {
      static_cast<void>(wrong.List());  // Reports it.
    } else {
      static_cast<void>(wrong.Entries());
    }
    return;
  }
  Entry* first = Find(key);
  if (first == nullptr || first->value.kind == Kind::kNull) {
    if (first == nullptr) {
      entries_.push_back(entry);
      first = &entries_.back();
    } else {
      *first = entry;
    }
    first->value.size = 0;  // Filled below.
  } else if (first->value.kind != wanted) {
    return;  // The main file's own is reported by whoever reads it.
  }
  JoinedSection& joined = joined_[*first->key];
  if (wanted == Kind::kMap) {
    if (joined.entries.empty()) {
      JoinEntries(key, joined, first->value);
    }
    JoinEntries(key, joined, entry.value);
    return;
  }
  if (joined.elements.empty()) {
    const auto own = first->value.elements();
    joined.elements.assign(own.begin(), own.end());
  }
  const auto more = entry.value.elements();
  joined.elements.insert(joined.elements.end(), more.begin(), more.end());
}

void Configuration::Merged::JoinEntries(std::string_view section, JoinedSection& joined,
                                        const Node& from) {
  for (const Entry& entry : from.entries()) {
    const auto [first, fresh] = joined.names.emplace(*entry.key, entry.key_position());
    if (fresh) {
      joined.entries.push_back(entry);
    } else {
      diagnostics.Error(
          entry.key_position(), KeyPath(section, *entry.key),
          "the name " + Quoted(*entry.key) + " is taken at " + PlaceOf(first->second));
    }
  }
}

void Configuration::Merged::Finish() {
  if (!root) {
    return;
  }
  for (Entry& entry : entries_) {
    const auto found = joined_.find(*entry.key);
    if (found == joined_.end()) {
      continue;
    }
    const JoinedSection& joined = found->second;
    if (entry.value.kind == Kind::kList) {
      entry.value.first_element = joined.elements.data();
      entry.value.size = static_cast<uint32_t>(joined.elements.size());
    } else if (entry.value.kind == Kind::kMap) {
      entry.value.first_entry = joined.entries.data();
      entry.value.size = static_cast<uint32_t>(joined.entries.size());
    }
  }
  root->first_entry = entries_.data();
  root->size = static_cast<uint32_t>(entries_.size());
}

Configuration::Configuration() = default;
Configuration::~Configuration() = default;

std::unique_ptr<Configuration> Configuration::Parse(const Main& main,
                                                    const Environment& environment,
                                                    Diagnostics& diagnostics,
                                                    const DocumentLimits& limits) {
  std::unique_ptr<Configuration> out(new Configuration());
  out->diagnostics_ = &diagnostics;
  out->merged_ = std::make_unique<Merged>(diagnostics);
  out->merged_->documents.push_back(
      Document::Parse(main.name, main.text, environment, diagnostics, limits));
  const Document& document = *out->merged_->documents.front();
  DocumentLimits left = limits;
  left.max_bytes -= std::min<uint64_t>(left.max_bytes, main.text.size());
  left.max_nodes -= std::min(left.max_nodes, document.size());
  out->Include(main, environment, left);
  return out;
}

// `limits` are what the main file left of them.
void Configuration::Include(const Main& main, const Environment& environment,
                            DocumentLimits limits) {
  const Value root = merged_->documents.front()->RootValue();
  if (!root.IsMap()) {
    return;
  }
  Object top = root.Map();
  top.Unchecked();
  const Value patterns = top.Get(kInclude, "");
  if (!patterns.present()) {
    return;
  }
  auto included = std::make_shared<IncludedFiles>(patterns, main.directory, main.path);
  for (size_t i = 0; i < included->files().size(); ++i) {
    const IncludedFiles::File& file = included->files()[i];
    const Result<std::string> text = ReadFile(file.path, limits.max_bytes);
    if (!text) {
      file.named_at.Error(text.error().message);
      continue;
    }
    included->SetHash(i, HashOf(*text));
    if (HoldsNothing(*text)) {
      const uint32_t index = diagnostics_->AddFile(file.path);
      diagnostics_->Warning({index, 0, 0}, "", "nothing is in this file");
      continue;
    }
    merged_->documents.push_back(
        Document::Parse(file.path, *text, environment, *diagnostics_, limits));
    const Document& document = *merged_->documents.back();
    limits.max_bytes -= text->size();
    limits.max_nodes -= std::min(limits.max_nodes, document.size());
    if (document.RootValue().IsMap()) {
      merged_->Add(*document.root());
    } else if (document.RootValue().present()) {
      static_cast<void>(document.Root());  // Reports it.
    }
  }
  merged_->Finish();
  included->Settle();
  included_ = std::move(included);
}

Value Configuration::RootValue() const {
  return {merged_->root ? &*merged_->root : merged_->documents.front()->root(), "", diagnostics_};
}

Object Configuration::Root() const { return RootValue().Map(); }

}  // namespace gatehouse::config

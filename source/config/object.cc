// SPDX-License-Identifier: Apache-2.0
// Mappings with fixed keys, and the bookkeeping of which were asked for.
#include "source/config/object.h"

#include <algorithm>

#include "source/base/text.h"
#include "source/config/node.h"
#include "source/config/wording.h"

namespace gatehouse::config {

struct Object::State {
  const Node* node = nullptr;
  // Of an overlay: its own entries, then from `inherited` on those of its base. Otherwise empty,
  // and the entries are the node's.
  std::vector<const Entry*> overlaid;
  size_t inherited = 0;
  std::string base_path;
  bool is_overlay = false;

  std::vector<bool> used;
  size_t unused = 0;
  // Keys that were asked for and are absent: what an unknown key may have been meant to be. Kept
  // only while there are keys that might prove unknown.
  std::vector<std::string> absent;
  bool unchecked = false;

  size_t size() const { return is_overlay ? overlaid.size() : node->entries().size(); }
  const Entry& At(size_t i) const { return is_overlay ? *overlaid[i] : node->entries()[i]; }
  bool IsInherited(size_t i) const { return is_overlay && i >= inherited; }

  std::optional<size_t> Find(std::string_view key) const {
    for (size_t i = 0; i < size(); ++i) {
      if (*At(i).key == key) {
        return i;
      }
    }
    return std::nullopt;
  }
  void Use(size_t i) {
    if (!used[i]) {
      used[i] = true;
      --unused;
    }
  }
};

Object::Object() = default;

Object::Object(const Node* node, std::string path, Diagnostics* diagnostics)
    : path_(std::move(path)), diagnostics_(diagnostics) {
  if (node == nullptr) {
    return;
  }
  at_ = node->position();
  state_ = std::make_unique<State>();
  state_->node = node;
  state_->unused = state_->size();
  state_->used.resize(state_->unused);
}

Object::Object(std::string path, Position at, Diagnostics* diagnostics, bool broken)
    : path_(std::move(path)), diagnostics_(diagnostics), at_(at), broken_(broken) {}

Object::Object(Object&& other) noexcept = default;

Object& Object::operator=(Object&& other) noexcept {
  if (this != &other) {
    ReportUnknown();
    path_ = std::move(other.path_);
    diagnostics_ = other.diagnostics_;
    at_ = other.at_;
    broken_ = other.broken_;
    fields_ = other.fields_;
    state_ = std::move(other.state_);
  }
  return *this;
}

Object::~Object() { ReportUnknown(); }

Object Object::Overlay(const Value& base, const Value& over,
                       std::initializer_list<std::string_view> ignore) {
  Object under = base.Map();
  under.Unchecked();
  if (!over.present()) {
    return under;
  }
  Object out = over.Map();
  if (under.broken_ || out.broken_ || !out.state_) {
    out.broken_ = true;
    out.Unchecked();
    return out;
  }
  State& state = *out.state_;
  state.is_overlay = true;
  state.base_path = base.path();
  for (const Entry& entry : state.node->entries()) {
    if (std::find(ignore.begin(), ignore.end(), *entry.key) == ignore.end()) {
      state.overlaid.push_back(&entry);
    }
  }
  state.inherited = state.overlaid.size();
  const std::span<const Entry> inherited =
      under.state_ ? under.state_->node->entries() : std::span<const Entry>();
  for (const Entry& entry : inherited) {
    const auto own_end = state.overlaid.begin() + state.inherited;
    if (std::none_of(state.overlaid.begin(), own_end,
                     [&](const Entry* own) { return *own->key == *entry.key; })) {
      state.overlaid.push_back(&entry);
    }
  }
  state.unused = state.inherited;
  state.used.assign(state.overlaid.size(), true);
  std::fill_n(state.used.begin(), state.inherited, false);
  return out;
}

// Runs in the destructor.
void Object::ReportUnknown() noexcept {
  constexpr size_t kMaxSuggestions = 100;  // Each costs a comparison with every known key.
  if (!state_ || state_->unchecked || state_->unused == 0 || diagnostics_ == nullptr) {
    return;
  }
  size_t reported = 0;
  for (size_t i = 0; i < state_->size(); ++i) {
    if (!state_->used[i]) {
      const Entry& entry = state_->At(i);
      const std::string_view meant =
          reported++ < kMaxSuggestions ? Nearest(*entry.key, state_->absent) : std::string_view();
      diagnostics_->Error(entry.key_position(), KeyPath(path_, *entry.key), "unknown key",
                          std::string(meant));
    }
  }
}

void Object::Unchecked() {
  if (state_) {
    state_->unchecked = true;
  }
}

bool Object::present() const { return state_ != nullptr || broken_; }

bool Object::Has(std::string_view key) const { return state_ && state_->Find(key).has_value(); }

Value Object::Look(std::string_view key, const About& about) {
  Value value = Find(key);
  if (fields_ != nullptr) {
    value.shape_ = &fields_->Note(key, about, value.node_).shape;
  }
  return value;
}

Value Object::Find(std::string_view key) {
  if (!state_) {
    return {nullptr, {}, at_, diagnostics_};
  }
  const std::optional<size_t> at = state_->Find(key);
  if (!at) {
    if (state_->unused > 0) {
      state_->absent.emplace_back(key);
    }
    return {nullptr, {}, at_, diagnostics_};
  }
  state_->Use(*at);
  const std::string& path = state_->IsInherited(*at) ? state_->base_path : path_;
  return {&state_->At(*at).value, KeyPath(path, key), diagnostics_};
}

Value Object::Get(std::string_view key, const About& about) {
  Value value = Look(key, about);
  if (!value.present()) {
    value.path_ = KeyPath(path_, key);
  }
  return value;
}

std::string Object::String(std::string_view key, std::string_view def, const About& about) {
  return std::string(Look(key, about).Plain(def).value_or(def));
}

std::string Object::RequiredString(std::string_view key, const About& about) {
  const Value value = Look(key, about.Required());
  const std::optional<std::string_view> text = value.Plain();
  if (!value.present()) {
    Error(key, "is required");
  } else if (text && text->empty()) {
    value.Error("must not be empty");
  }
  return std::string(text.value_or(""));
}

bool Object::Bool(std::string_view key, bool def, const About& about) {
  return Look(key, about).Bool(def);
}

uint64_t Object::Uint(std::string_view key, Bounds<uint64_t> bounds, const About& about) {
  return Look(key, about).Uint(bounds);
}

double Object::Number(std::string_view key, Bounds<double> bounds, const About& about) {
  return Look(key, about).Number(bounds);
}

Duration Object::Time(std::string_view key, Bounds<Duration> bounds, const About& about) {
  return Look(key, about).Time(bounds);
}

uint64_t Object::Size(std::string_view key, Bounds<uint64_t> bounds, const About& about) {
  return Look(key, about).Size(bounds);
}

std::vector<std::string> Object::Strings(std::string_view key, const About& about) {
  return Look(key, about).Strings();
}

std::vector<std::pair<std::string, std::string>> Object::StringMap(std::string_view key,
                                                                   const About& about) {
  std::vector<std::pair<std::string, std::string>> out;
  for (auto& [name, value] : Look(key, about).Entries()) {
    if (const auto text = value.Plain()) {
      out.emplace_back(std::move(name), *text);
    }
  }
  return out;
}

Object Object::Child(std::string_view key, const About& about) {
  if (broken_) {
    return {KeyPath(path_, key), at_, diagnostics_, /*broken=*/true};
  }
  return Get(key, about).Map();
}

std::vector<Value> Object::List(std::string_view key, const About& about) {
  return Look(key, about).List();
}

std::vector<std::pair<std::string, Value>> Object::Entries(std::string_view key,
                                                           const About& about) {
  return Look(key, about).Entries();
}

void Object::Variant(std::string_view key, std::string_view name, std::string_view help) {
  if (fields_ != nullptr) {
    fields_ = &fields_->NoteVariant(key, name, help);
  }
}

void Object::Record(Shape& shape) { fields_ = &shape.Form({}); }

void Object::NotSupportedYet(std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) {
    const std::optional<size_t> at = state_ ? state_->Find(key) : std::nullopt;
    if (at) {
      state_->Use(*at);
      const std::string& path = state_->IsInherited(*at) ? state_->base_path : path_;
      diagnostics_->Error(state_->At(*at).key_position(), KeyPath(path, key), "not supported yet");
    }
  }
}

void Object::Error(std::string_view key, std::string message, std::string suggestion) const {
  Add(Severity::kError, key, std::move(message), std::move(suggestion));
}

void Object::Warning(std::string_view key, std::string message, std::string suggestion) const {
  Add(Severity::kWarning, key, std::move(message), std::move(suggestion));
}

void Object::Add(Severity severity, std::string_view key, std::string message,
                 std::string suggestion) const {
  if (diagnostics_ == nullptr || broken_) {
    return;
  }
  const std::optional<size_t> at = state_ ? state_->Find(key) : std::nullopt;
  const bool inherited = at && state_->IsInherited(*at);
  const Value value(at ? &state_->At(*at).value : nullptr,
                    KeyPath(inherited ? state_->base_path : path_, key),
                    at ? state_->At(*at).value.position() : at_, diagnostics_);
  if (severity == Severity::kError) {
    value.Error(std::move(message), std::move(suggestion));
  } else {
    value.Warning(std::move(message), std::move(suggestion));
  }
}

void Object::Error(std::string message) const {
  if (diagnostics_ != nullptr && !broken_) {
    diagnostics_->Error(at_, path_, std::move(message));
  }
}

}  // namespace gatehouse::config

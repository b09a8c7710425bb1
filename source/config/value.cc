// SPDX-License-Identifier: Apache-2.0
// Typed access to one node. The sentences of errors are made here.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "source/base/text.h"
#include "source/config/node.h"
#include "source/config/object.h"
#include "source/config/values.h"
#include "source/config/wording.h"

namespace gatehouse::config {
namespace {

std::string KindName(Kind kind) {
  switch (kind) {
    case Kind::kNull:
      return "nothing";
    case Kind::kScalar:
      return "a single value";
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a mapping";
  }
  return "";
}

// "expected a list, got a mapping"
std::string Expected(std::string_view what, const Node& node) {
  std::string out = "expected ";
  out.append(what).append(", got ");
  return out + (node.kind == Kind::kScalar ? Quoted(node.scalar()) : KindName(node.kind));
}

std::string ToText(uint64_t value) { return std::to_string(value); }
std::string ToText(double value) {
  char digits[32];
  const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), value);
  return {digits, end};
}
std::string ToText(Duration value) { return FormatDuration(value); }

// What is wrong with `value`; empty when it is within `bounds`.
template <typename T, typename Format>
std::string OutOfBounds(T value, const Bounds<T>& bounds, Format format) {
  if (value >= bounds.min && value <= bounds.max) {
    return {};
  }
  const std::string got = ", got " + format(value);
  if (bounds.min == Lowest<T>()) {
    return "must be at most " + format(bounds.max) + got;
  }
  if (bounds.max == Highest<T>()) {
    return "must be at least " + format(bounds.min) + got;
  }
  return "must be between " + format(bounds.min) + " and " + format(bounds.max) + got;
}

template <typename T, typename Format>
void NoteNumber(Shape& shape, ScalarShape::Kind kind, const Bounds<T>& bounds, Format format) {
  const bool def_allowed = bounds.def >= bounds.min && bounds.def <= bounds.max;
  shape.Note({kind,
              def_allowed ? format(bounds.def) : std::string(),
              bounds.min == Lowest<T>() ? std::string() : format(bounds.min),
              bounds.max == Highest<T>() ? std::string() : format(bounds.max),
              {}});
}

std::optional<double> ParseNumber(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  // Starts as a number does: from_chars also takes "inf" and "nan".
  const bool number = !text.empty() && (IsDigit(text.front()) || text.front() == '-');
  if (!number || error != std::errc() || end != text.data() + text.size() ||
      !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

void AppendQuoted(std::string& out, std::string_view text) {
  out.push_back('"');
  AppendJsonEscaped(out, text);
  out.push_back('"');
}

// Depth is bounded by DocumentLimits::max_depth, aliases included.
void AppendCanonical(std::string& out, const Node& node) {
  if (node.kind == Kind::kNull) {
    out.append("null");
  } else if (node.kind == Kind::kScalar) {
    AppendQuoted(out, node.scalar());
  } else if (node.kind == Kind::kList) {
    out.push_back('[');
    for (const Node& element : node.elements()) {
      AppendCanonical(out, element);
      out.push_back(',');
    }
    out.push_back(']');
  } else {
    std::vector<const Entry*> sorted;
    for (const Entry& entry : node.entries()) {
      sorted.push_back(&entry);
    }
    std::sort(sorted.begin(), sorted.end(),
              [](const Entry* a, const Entry* b) { return *a->key < *b->key; });
    out.push_back('{');
    for (const Entry* entry : sorted) {
      AppendQuoted(out, *entry->key);
      out.push_back(':');
      AppendCanonical(out, entry->value);
      out.push_back(',');
    }
    out.push_back('}');
  }
}

bool HoldsEnvironment(const Node& node) {
  const auto elements = node.elements();
  const auto entries = node.entries();
  return node.Is(Node::kFromEnvironment) ||
         std::any_of(elements.begin(), elements.end(), HoldsEnvironment) ||
         std::any_of(entries.begin(), entries.end(),
                     [](const Entry& entry) { return HoldsEnvironment(entry.value); });
}

}  // namespace

Value::Value(const Node* node, std::string path, Diagnostics* diagnostics)
    : node_(node),
      path_(std::move(path)),
      at_(node != nullptr ? node->position() : Position()),
      diagnostics_(diagnostics) {}

bool Value::IsScalar() const { return present() && node_->kind == Kind::kScalar; }
bool Value::IsMap() const { return present() && node_->kind == Kind::kMap; }
bool Value::IsList() const { return present() && node_->kind == Kind::kList; }
bool Value::IsNull() const { return present() && node_->kind == Kind::kNull; }

std::optional<std::string_view> Value::Text(std::string_view what) const {
  if (!present() || node_->Is(Node::kUnusable)) {
    return std::nullopt;
  }
  if (node_->kind == Kind::kScalar) {
    return node_->scalar();
  }
  Report(node_->kind == Kind::kNull ? "has no value" : Expected(what, *node_));
  return std::nullopt;
}

std::optional<std::string_view> Value::Plain(std::string_view def) const {
  if (shape_ != nullptr) {
    shape_->Note({ScalarShape::Kind::kText, std::string(def), {}, {}, {}});
  }
  return Text("a single value");
}

std::string Value::String() const { return std::string(Plain().value_or("")); }

std::string_view Value::Scalar() const {
  return present() && !node_->Is(Node::kUnusable) ? node_->scalar() : std::string_view();
}

bool Value::Is(std::string_view word) const {
  if (shape_ != nullptr) {
    shape_->Note({ScalarShape::Kind::kWords, {}, {}, {}, {std::string(word)}});
  }
  return IsScalar() && Scalar() == word;
}

uint64_t Value::Uint(Bounds<uint64_t> bounds) const {
  if (shape_ != nullptr) {
    NoteNumber(*shape_, ScalarShape::Kind::kUint, bounds, [](uint64_t n) { return ToText(n); });
  }
  const auto text = Text("a whole number");
  if (!text) {
    return bounds.def;
  }
  const std::optional<uint64_t> value = ParseUint(*text);
  const std::string error = value
                                ? OutOfBounds(*value, bounds, [](uint64_t n) { return ToText(n); })
                                : Expected("a whole number", *node_);
  if (!error.empty()) {
    Report(error);
    return bounds.def;
  }
  return *value;
}

double Value::Number(Bounds<double> bounds) const {
  if (shape_ != nullptr) {
    NoteNumber(*shape_, ScalarShape::Kind::kNumber, bounds, [](double n) { return ToText(n); });
  }
  const auto text = Text("a number");
  if (!text) {
    return bounds.def;
  }
  const std::optional<double> value = ParseNumber(*text);
  const std::string error = value ? OutOfBounds(*value, bounds, [](double n) { return ToText(n); })
                                  : Expected("a number", *node_);
  if (!error.empty()) {
    Report(error);
    return bounds.def;
  }
  return *value;
}

Duration Value::Time(Bounds<Duration> bounds) const {
  if (shape_ != nullptr) {
    NoteNumber(*shape_, ScalarShape::Kind::kDuration, bounds, FormatDuration);
  }
  const auto text = Text("a duration such as 250ms or 5s");
  if (!text) {
    return bounds.def;
  }
  const Result<Duration> value = ParseDuration(*text);
  if (!value) {
    Report(value.error().message, SuggestDuration(*text));
    return bounds.def;
  }
  const std::string error = OutOfBounds(*value, bounds, [](Duration n) { return ToText(n); });
  if (!error.empty()) {
    Report(error);
    return bounds.def;
  }
  return *value;
}

uint64_t Value::Size(Bounds<uint64_t> bounds) const {
  if (shape_ != nullptr) {
    NoteNumber(*shape_, ScalarShape::Kind::kSize, bounds, FormatSize);
  }
  const auto text = Text("a size such as 64KiB or 1MiB");
  if (!text) {
    return bounds.def;
  }
  const Result<uint64_t> value = ParseSize(*text);
  if (!value) {
    Report(value.error().message, SuggestSize(*text));
    return bounds.def;
  }
  const std::string error = OutOfBounds(*value, bounds, FormatSize);
  if (!error.empty()) {
    Report(error);
    return bounds.def;
  }
  return *value;
}

bool Value::Bool(bool def) const {
  if (shape_ != nullptr) {
    shape_->Note({ScalarShape::Kind::kBool, def ? "true" : "false", {}, {}, {}});
  }
  const auto text = Text("true or false");
  if (!text) {
    return def;
  }
  if (*text == "true" || *text == "false") {
    return *text == "true";
  }
  const std::string lower = Lowercase(*text);
  const auto is = [&](std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), lower) != words.end();
  };
  const char* meant = is({"true", "on", "yes", "y", "1", "enabled"})     ? "true"
                      : is({"false", "off", "no", "n", "0", "disabled"}) ? "false"
                                                                         : "";
  Report(Expected("true or false", *node_), meant);
  return def;
}

std::optional<size_t> Value::Choose(const std::vector<std::string_view>& names,
                                    std::string_view def) const {
  if (shape_ != nullptr) {
    shape_->Note(
        {ScalarShape::Kind::kWords, std::string(def), {}, {}, {names.begin(), names.end()}});
  }
  std::string all;
  for (const std::string_view name : names) {
    all.append(all.empty() ? "" : ", ").append(name);
  }
  const auto text = Text("one of " + all);
  if (!text) {
    return std::nullopt;
  }
  const auto found = std::find(names.begin(), names.end(), *text);
  if (found == names.end()) {
    Report("unknown value " + Quoted(*text) + "; one of: " + all,
           std::string(Nearest(*text, names)));
    return std::nullopt;
  }
  return found - names.begin();
}

std::vector<std::string> Value::Strings() const {
  std::vector<std::string> out;
  for (const Value& element : List()) {
    if (const auto text = element.Plain()) {
      out.emplace_back(*text);
    }
  }
  return out;
}

Object Value::Map(std::string_view form) const {
  Object out = present() && (node_->kind == Kind::kMap || node_->kind == Kind::kNull)
                   ? Object(node_, path_, diagnostics_)
                   : Object(path_, at_, diagnostics_, /*broken=*/present());
  if (out.broken_ && !node_->Is(Node::kUnusable)) {
    Report(Expected("a mapping", *node_));
  }
  out.fields_ = shape_ == nullptr ? nullptr : &shape_->Form(form);
  return out;
}

std::vector<Value> Value::List() const {
  std::vector<Value> out;
  Shape* const shape = shape_ == nullptr ? nullptr : &shape_->Elements();
  if (!present() || node_->kind == Kind::kNull || node_->Is(Node::kUnusable)) {
    return out;
  }
  if (node_->kind != Kind::kList) {
    const bool scalar = node_->kind == Kind::kScalar && node_->size < 64;
    Report(Expected("a list", *node_),
           scalar ? "[" + std::string(node_->scalar()) + "]" : std::string());
    return out;
  }
  out.reserve(node_->size);
  for (const Node& element : node_->elements()) {
    out.emplace_back(&element, ElementPath(path_, out.size()), diagnostics_);
    out.back().shape_ = shape;
  }
  return out;
}

std::vector<std::pair<std::string, Value>> Value::Entries() const {
  std::vector<std::pair<std::string, Value>> out;
  Shape* const shape = shape_ == nullptr ? nullptr : &shape_->Entries();
  if (!present() || node_->kind == Kind::kNull || node_->Is(Node::kUnusable)) {
    return out;
  }
  if (node_->kind != Kind::kMap) {
    Report(Expected("a mapping", *node_));
    return out;
  }
  out.reserve(node_->size);
  for (const Entry& entry : node_->entries()) {
    out.emplace_back(*entry.key, Value(&entry.value, KeyPath(path_, *entry.key),
                                       entry.key_position(), diagnostics_));
    out.back().second.shape_ = shape;
  }
  return out;
}

size_t Value::size() const { return present() && node_->kind != Kind::kScalar ? node_->size : 0; }

bool Value::HasKey(std::string_view key) const {
  const auto entries = present() ? node_->entries() : std::span<const Entry>();
  return std::any_of(entries.begin(), entries.end(),
                     [&](const Entry& entry) { return *entry.key == key; });
}

void Value::Error(std::string message, std::string suggestion) const {
  if (diagnostics_ != nullptr && !(present() && node_->Is(Node::kUnusable))) {
    diagnostics_->Error(at_, path_, std::move(message), std::move(suggestion));
  }
}

void Value::Warning(std::string message, std::string suggestion) const {
  if (diagnostics_ != nullptr && !(present() && node_->Is(Node::kUnusable))) {
    diagnostics_->Warning(at_, path_, std::move(message), std::move(suggestion));
  }
}

void Value::Report(std::string message, std::string suggestion) const {
  if (diagnostics_ != nullptr) {
    diagnostics_->Error(node_->position(), path_, std::move(message), std::move(suggestion));
  }
}

bool Value::FromEnvironment() const { return present() && HoldsEnvironment(*node_); }

std::string Value::Canonical() const {
  std::string out;
  if (present()) {
    AppendCanonical(out, *node_);
  }
  return out;
}

}  // namespace gatehouse::config

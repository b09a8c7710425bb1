// SPDX-License-Identifier: Apache-2.0
// Typed, never-failing access to a parsed document.
//
// Every getter returns a usable value. What is wrong is recorded in Diagnostics with its position,
// so loaders have no error branches and one run reports every mistake. When an
// Object goes away, keys that nobody asked for are reported as unknown, with the nearest known key.
//
// Each getter takes a help sentence: the schema and the reference page are made from the same
// calls (shape.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "source/base/clock.h"
#include "source/config/diagnostics.h"
#include "source/config/shape.h"

namespace gatehouse::config {

struct Node;  // node.h: one parsed YAML node.
class Object;

// The ends of what a getter can return: durations are never negative, other numbers go as far as
// their type does.
template <typename T>
constexpr T Lowest() {
  if constexpr (std::is_same_v<T, Duration>) {
    return Duration::zero();
  } else {
    return std::numeric_limits<T>::lowest();
  }
}
template <typename T>
constexpr T Highest() {
  if constexpr (std::is_same_v<T, Duration>) {
    return Duration::max();
  } else {
    return std::numeric_limits<T>::max();
  }
}

// Limits and default of a number, duration, size. The default need not be within the limits.
template <typename T>
struct Bounds {
  T def{};
  T min = Lowest<T>();
  T max = Highest<T>();
};

// One choice of an enum: its spelling and its value.
template <typename E>
using Choices = std::initializer_list<std::pair<std::string_view, E>>;

// One node of any kind, with its position and path. Cheap to copy; the Document must outlive it.
//
// A getter on an absent value returns the default and reports nothing: whether a key may be absent
// is for the loader to say. A value whose text could not be made (an unset environment variable)
// was reported when it was parsed: its getters return defaults, and errors at it are dropped.
class Value {
 public:
  Value() = default;
  Value(const Node* node, std::string path, Diagnostics* diagnostics);

  bool present() const { return node_ != nullptr; }
  bool IsScalar() const;
  bool IsMap() const;
  bool IsList() const;
  bool IsNull() const;

  // The scalar as text; "" (and an error) when it is not one.
  std::string String() const;
  // The raw scalar without a diagnostic; empty when it is not one.
  std::string_view Scalar() const;
  // Whether it is this one word, which stands beside what else the value may be.
  bool Is(std::string_view word) const;
  uint64_t Uint(Bounds<uint64_t> bounds = {}) const;
  double Number(Bounds<double> bounds = {}) const;
  Duration Time(Bounds<Duration> bounds = {}) const;
  uint64_t Size(Bounds<uint64_t> bounds = {}) const;
  bool Bool(bool def = false) const;
  // The elements of a list of scalars, those that are none left out.
  std::vector<std::string> Strings() const;
  template <typename E>
  E Enum(Choices<E> choices, E def) const {
    if (!present() && shape_ == nullptr) {
      return def;
    }
    std::vector<std::string_view> names;
    std::string_view def_name;
    for (const auto& [name, value] : choices) {
      names.push_back(name);
      def_name = value == def ? name : def_name;
    }
    const std::optional<size_t> at = Choose(names, def_name);
    return at ? (choices.begin() + *at)->second : def;
  }
  // The mapping; an error and an empty one when it is something else. Where one of several mappings
  // may stand, `form` names which one this is, for the schema.
  Object Map(std::string_view form = {}) const;
  // The elements of a list; an error when it is something else. A missing value has none.
  std::vector<Value> List() const;
  // The entries of a mapping whose keys the user chooses, as declared.
  std::vector<std::pair<std::string, Value>> Entries() const;

  // How many elements or entries; 0 of a scalar.
  size_t size() const;
  bool HasKey(std::string_view key) const;

  void Error(std::string message, std::string suggestion = {}) const;
  void Warning(std::string message, std::string suggestion = {}) const;
  // Blames the key rather than the value of an entry made by Entries(); for an absent value, the
  // mapping that lacks it.
  Position position() const { return at_; }
  const std::string& path() const { return path_; }
  // Whether the text, or a text inside, came from an environment variable: to be redacted.
  bool FromEnvironment() const;
  // The subtree in canonical text form: equal for equal configuration, whatever the layout or the
  // order of keys. Definitions compare by it across reloads.
  std::string Canonical() const;

 private:
  friend class Object;
  Value(const Node* node, std::string path, Position at, Diagnostics* diagnostics)
      : node_(node), path_(std::move(path)), at_(at), diagnostics_(diagnostics) {}
  // The text, or nothing and the error `expected <what>, got ...`.
  std::optional<std::string_view> Text(std::string_view what) const;
  // The index of the name that the text equals; `def` is that of the default.
  std::optional<size_t> Choose(const std::vector<std::string_view>& names,
                               std::string_view def) const;
  // As String(), but nothing where there is no scalar, or one that can't be used.
  std::optional<std::string_view> Plain(std::string_view def = {}) const;
  // At the node itself, also for an entry made by Entries().
  void Report(std::string message, std::string suggestion = {}) const;

  const Node* node_ = nullptr;
  std::string path_;
  Position at_;
  Diagnostics* diagnostics_ = nullptr;
  Shape* shape_ = nullptr;  // Where getters are noted; null in all loads but those that record.
};

// A mapping with fixed keys.
//
// Of an absent mapping all getters return their defaults; a required key is still required. One
// that was written as something else was reported, and errors at it are dropped.
class Object {
 public:
  Object();
  Object(const Node* node, std::string path, Diagnostics* diagnostics);
  Object(Object&& other) noexcept;
  Object& operator=(Object&& other) noexcept;
  // Reports unknown keys, unless Unchecked() was called.
  ~Object();

  // `base` with the keys of `over` replacing its own, whole; the keys in `ignore` belong to the
  // caller and are not seen. Both must outlive the result's use. Unknown keys of `over` are
  // reported; those of `base` are not, as they were when `base` was loaded by itself.
  static Object Overlay(const Value& base, const Value& over,
                        std::initializer_list<std::string_view> ignore = {});

  bool present() const;
  bool Has(std::string_view key) const;
  // The raw value, absent or not; counts as asked for.
  Value Get(std::string_view key, const About& about);

  std::string String(std::string_view key, std::string_view def, const About& about);
  std::string RequiredString(std::string_view key, const About& about);
  bool Bool(std::string_view key, bool def, const About& about);
  uint64_t Uint(std::string_view key, Bounds<uint64_t> bounds, const About& about);
  double Number(std::string_view key, Bounds<double> bounds, const About& about);
  // "250ms", "5s", "1m", "2h"; a bare number is an error.
  Duration Time(std::string_view key, Bounds<Duration> bounds, const About& about);
  // "64KiB", "1MiB", "2GiB", "100B"; in bytes. A bare number is an error.
  uint64_t Size(std::string_view key, Bounds<uint64_t> bounds, const About& about);
  std::vector<std::string> Strings(std::string_view key, const About& about);
  // A mapping of strings, as declared.
  std::vector<std::pair<std::string, std::string>> StringMap(std::string_view key,
                                                             const About& about);
  // A nested mapping with fixed keys; absent: an empty one, so defaults come out of it.
  Object Child(std::string_view key, const About& about);
  std::vector<Value> List(std::string_view key, const About& about);
  std::vector<std::pair<std::string, Value>> Entries(std::string_view key, const About& about);

  template <typename E>
  E Enum(std::string_view key, Choices<E> choices, E def, const About& about) {
    return Look(key, about).Enum(choices, def);
  }

  // From here on the keys are those of one of several variants, `name`, which the value of `key`
  // tells; `help` says what that one is.
  void Variant(std::string_view key, std::string_view name, std::string_view help);
  // Notes all that is asked for from now on, here and below, in `shape`, which must outlive the
  // load.
  void Record(Shape& shape);

  // Keys of features that are planned and not built: present is the error "not supported yet".
  void NotSupportedYet(std::initializer_list<std::string_view> keys);

  // An error at the value of `key` (or at the mapping, when the key is absent).
  void Error(std::string_view key, std::string message, std::string suggestion = {}) const;
  void Warning(std::string_view key, std::string message, std::string suggestion = {}) const;
  // At the mapping itself.
  void Error(std::string message) const;

  // Forgets to report unknown keys: for objects abandoned half read.
  void Unchecked();

  const std::string& path() const { return path_; }
  Diagnostics& diagnostics() const { return *diagnostics_; }

 private:
  friend class Value;
  struct State;
  // An absent mapping (`broken` false), or one that was reported as something else.
  Object(std::string path, Position at, Diagnostics* diagnostics, bool broken);
  // The value of `key`, which counts as asked for; an absent one carries no path.
  Value Look(std::string_view key, const About& about);
  Value Find(std::string_view key);
  void ReportUnknown() noexcept;
  void Add(Severity severity, std::string_view key, std::string message,
           std::string suggestion) const;

  std::string path_;
  Diagnostics* diagnostics_ = nullptr;
  Position at_;
  bool broken_ = false;
  Fields* fields_ = nullptr;      // As Value::shape_.
  std::unique_ptr<State> state_;  // Of a mapping with keys.
};

}  // namespace gatehouse::config

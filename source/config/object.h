// SPDX-License-Identifier: Apache-2.0
// Typed, never-failing access to a parsed document.
//
// Every getter returns a usable value. What is wrong is recorded in Diagnostics with its position,
// so loaders have no error branches and one run reports every mistake. When the last copy of an
// Object goes away, keys that nobody asked for are reported as unknown, with the nearest known key.
//
// Each getter takes a help sentence: the schema and the reference page are made from the same calls.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/base/clock.h"
#include "source/config/diagnostics.h"

namespace gatehouse::config {

struct Node;    // document.h: one parsed YAML node.
class Object;

// Limits and default of a number, duration, size.
template <typename T>
struct Bounds {
  T def{};
  T min = std::numeric_limits<T>::min();
  T max = std::numeric_limits<T>::max();
};

// One node of any kind, with its position and path. Cheap to copy; the Document must outlive it.
class Value {
 public:
  Value() = default;
  Value(const Node* node, std::string path, Diagnostics* diagnostics)
      : node_(node), path_(std::move(path)), diagnostics_(diagnostics) {}

  bool present() const { return node_ != nullptr; }
  bool IsScalar() const;
  bool IsMap() const;
  bool IsList() const;
  bool IsNull() const;

  // The scalar as text; "" (and an error) when it is not one.
  std::string String() const;
  // The raw scalar without a diagnostic; empty when it is not one.
  std::string_view Scalar() const;
  uint64_t Uint(Bounds<uint64_t> bounds = {}) const;
  bool Bool() const;
  // The mapping; an error and an empty one when it is something else.
  Object Map() const;
  // The elements of a list; an error when it is something else. A missing value has none.
  std::vector<Value> List() const;
  // The entries of a mapping whose keys the user chooses, as declared.
  std::vector<std::pair<std::string, Value>> Entries() const;

  void Error(std::string message, std::string suggestion = {}) const;
  void Warning(std::string message, std::string suggestion = {}) const;
  // Blames the key rather than the value of an entry made by Entries().
  Position position() const;
  const std::string& path() const { return path_; }
  // The subtree in canonical text form: equal for equal configuration, whatever the layout or the
  // order of keys. Definitions compare by it across reloads.
  std::string Canonical() const;

 private:
  friend class Object;
  const Node* node_ = nullptr;
  std::string path_;
  Diagnostics* diagnostics_ = nullptr;
};

// One choice of an enum: its spelling and its value.
template <typename E>
using Choices = std::initializer_list<std::pair<std::string_view, E>>;

// A mapping with fixed keys.
class Object {
 public:
  Object() = default;
  Object(const Node* node, std::string path, Diagnostics* diagnostics);
  Object(Object&&) noexcept = default;
  Object& operator=(Object&&) noexcept = default;
  // Reports unknown keys, unless Unchecked() was called.
  ~Object();

  // This object with the keys of `over` replacing its own, whole. Both must outlive the result's
  // use; unknown keys are reported once each, where they stand.
  static Object Overlay(const Value& base, const Value& over);

  bool present() const;
  bool Has(std::string_view key) const;
  // The raw value, absent or not; counts as asked for.
  Value Get(std::string_view key, std::string_view help);

  std::string String(std::string_view key, std::string_view def, std::string_view help);
  std::string RequiredString(std::string_view key, std::string_view help);
  bool Bool(std::string_view key, bool def, std::string_view help);
  uint64_t Uint(std::string_view key, Bounds<uint64_t> bounds, std::string_view help);
  double Number(std::string_view key, Bounds<double> bounds, std::string_view help);
  // "250ms", "5s", "1m", "2h"; a bare number is an error.
  Duration Time(std::string_view key, Bounds<Duration> bounds, std::string_view help);
  // "64KiB", "1MiB", "2GiB", "100B"; in bytes. A bare number is an error.
  uint64_t Size(std::string_view key, Bounds<uint64_t> bounds, std::string_view help);
  std::vector<std::string> Strings(std::string_view key, std::string_view help);
  // A mapping of strings, as declared.
  std::vector<std::pair<std::string, std::string>> StringMap(std::string_view key,
                                                             std::string_view help);
  // A nested mapping with fixed keys; absent: an empty one, so defaults come out of it.
  Object Child(std::string_view key, std::string_view help);
  std::vector<Value> List(std::string_view key, std::string_view help);
  std::vector<std::pair<std::string, Value>> Entries(std::string_view key, std::string_view help);

  template <typename E>
  E Enum(std::string_view key, Choices<E> choices, E def, std::string_view help) {
    std::vector<std::string_view> names;
    for (const auto& [name, value] : choices) {
      names.push_back(name);
    }
    const std::optional<size_t> at = Choose(key, names, help);
    return at ? (choices.begin() + *at)->second : def;
  }

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
  std::optional<size_t> Choose(std::string_view key, const std::vector<std::string_view>& names,
                               std::string_view help);

  std::string path_;
  Diagnostics* diagnostics_ = nullptr;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gatehouse::config

// SPDX-License-Identifier: Apache-2.0
// What loaders ask of a configuration, noted while they load one: the JSON Schema and the reference
// page are made from it, so that they can't say anything else than the loaders do.
//
// A load notes nothing unless Object::Record() was called. Then each getter adds to a tree of
// shapes; a branch that no value led to (the elements of a list that was empty) is not in it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gatehouse::config {

struct Node;
class Fields;

// What a getter says of its key besides the kind. A plain sentence is enough; the rest is for what
// the getter can't know. The views must live as long as the call.
struct About {
  constexpr About(const char* sentence) : help(sentence) {}       // NOLINT: reads as a sentence.
  constexpr About(std::string_view sentence) : help(sentence) {}  // NOLINT: the same.

  // The default as YAML writes it, where the loader makes it and not the getter.
  constexpr About Default(std::string_view text) const { return With(&About::def, text); }
  // One that reads better than what was there while recording.
  constexpr About Example(std::string_view text) const { return With(&About::example, text); }
  // What a text stands for: "address", "path".
  constexpr About Type(std::string_view text) const { return With(&About::type, text); }
  // The loader reports an error when the key is absent.
  constexpr About Required() const {
    About out = *this;
    out.required = true;
    return out;
  }

  std::string_view help;
  std::string_view def;
  std::string_view example;
  std::string_view type;
  bool required = false;

 private:
  constexpr About With(std::string_view About::* member, std::string_view text) const {
    About out = *this;
    out.*member = text;
    return out;
  }
};

// One way to read a scalar. Texts are as YAML writes them; empty: none.
struct ScalarShape {
  enum class Kind : uint8_t { kText, kBool, kUint, kNumber, kDuration, kSize, kWords };
  Kind kind = Kind::kText;
  std::string def;
  std::string min;
  std::string max;
  std::vector<std::string> words;  // Of kWords: the ones there are.
};

// What may stand at one place: everything that is noted here, one or the other.
class Shape {
 public:
  Shape();
  Shape(Shape&&) noexcept;
  Shape& operator=(Shape&&) noexcept;
  ~Shape();

  std::vector<ScalarShape> scalars;
  std::unique_ptr<Shape> elements;  // Of a list.
  std::unique_ptr<Shape> entries;   // Of a mapping whose keys the user chooses.
  // Mappings with fixed keys, by the name that Value::Map() was given; mostly one, "".
  std::vector<std::pair<std::string, std::unique_ptr<Fields>>> forms;

  bool empty() const { return scalars.empty() && !elements && !entries && forms.empty(); }

  // Adds to what is known; twice the same is once.
  void Note(ScalarShape scalar);
  Shape& Elements();
  Shape& Entries();
  Fields& Form(std::string_view name);
};

// One key of a mapping with fixed keys.
struct KeyShape {
  std::string name;
  std::string help;
  std::string def;      // The default as YAML writes it; empty: none, or the kind's own.
  std::string example;  // As YAML writes it, in one line; empty when nothing short was seen.
  std::string type;     // What a text stands for; may be empty.
  bool required = false;
  Shape shape;
};

// The keys of a mapping, in the order in which they were first asked for.
class Fields {
 public:
  std::vector<std::unique_ptr<KeyShape>> keys;
  // The key whose value says which further keys there are, by Object::Variant(); empty: none.
  std::string variant_key;
  struct Variant;
  std::vector<Variant> variants;

  const KeyShape* Find(std::string_view name) const;
  KeyShape& Note(std::string_view name, const About& about, const Node* node);
  Fields& NoteVariant(std::string_view key, std::string_view name, std::string_view help);
};

struct Fields::Variant {
  std::string name;
  std::string help;
  std::unique_ptr<Fields> fields;
};

}  // namespace gatehouse::config

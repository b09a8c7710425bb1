// SPDX-License-Identifier: Apache-2.0
#include "source/config/shape.h"

#include <algorithm>
#include <utility>

#include "source/base/text.h"
#include "source/config/node.h"

namespace gatehouse::config {
namespace {

constexpr size_t kMaxExample = 100;

// Appends `node` in flow style; gives up, with a text that is too long, past kMaxExample.
void AppendFlow(std::string& out, const Node& node) {
  if (out.size() > kMaxExample) {
    return;
  }
  std::string_view separator;
  switch (node.kind) {
    case Kind::kNull:
      break;
    case Kind::kScalar:
      if (node.Is(Node::kQuoted)) {
        out.push_back('"');
        AppendJsonEscaped(out, node.scalar());
        out.push_back('"');
      } else {
        out.append(node.scalar());
      }
      break;
    case Kind::kList:
      out.push_back('[');
      for (const Node& element : node.elements()) {
        AppendFlow(out.append(std::exchange(separator, ", ")), element);
      }
      out.push_back(']');
      break;
    case Kind::kMap:
      out.push_back('{');
      for (const Entry& entry : node.entries()) {
        out.append(std::exchange(separator, ", ")).append(*entry.key).append(": ");
        AppendFlow(out, entry.value);
      }
      out.push_back('}');
      break;
  }
}

// In one line; empty for what would make a long one.
std::string ShortForm(const Node& node) {
  std::string out;
  AppendFlow(out, node);
  return out.size() > kMaxExample ? std::string() : out;
}

}  // namespace

Shape::Shape() = default;
Shape::Shape(Shape&&) noexcept = default;
Shape& Shape::operator=(Shape&&) noexcept = default;
Shape::~Shape() = default;

void Shape::Note(ScalarShape scalar) {
  const auto known = std::find_if(scalars.begin(), scalars.end(),
                                  [&](const ScalarShape& one) { return one.kind == scalar.kind; });
  if (known == scalars.end()) {
    scalars.push_back(std::move(scalar));
    return;
  }
  for (std::string& word : scalar.words) {
    if (std::find(known->words.begin(), known->words.end(), word) == known->words.end()) {
      known->words.push_back(std::move(word));
    }
  }
}

Shape& Shape::Elements() {
  if (elements == nullptr) {
    elements = std::make_unique<Shape>();
  }
  return *elements;
}

Shape& Shape::Entries() {
  if (entries == nullptr) {
    entries = std::make_unique<Shape>();
  }
  return *entries;
}

Fields& Shape::Form(std::string_view name) {
  for (const auto& [known, fields] : forms) {
    if (known == name) {
      return *fields;
    }
  }
  return *forms.emplace_back(name, std::make_unique<Fields>()).second;
}

const KeyShape* Fields::Find(std::string_view name) const {
  const auto found =
      std::find_if(keys.begin(), keys.end(), [&](const auto& key) { return key->name == name; });
  return found == keys.end() ? nullptr : found->get();
}

KeyShape& Fields::Note(std::string_view name, const About& about, const Node* node) {
  auto found =
      std::find_if(keys.begin(), keys.end(), [&](const auto& key) { return key->name == name; });
  if (found == keys.end()) {
    keys.push_back(std::make_unique<KeyShape>());
    found = std::prev(keys.end());
    KeyShape& fresh = **found;
    fresh.name = name;
    fresh.help = about.help;
    fresh.def = about.def;
    fresh.example = about.example;
    fresh.type = about.type;
    fresh.required = about.required;
  }
  KeyShape& key = **found;
  if (key.example.empty() && node != nullptr) {
    key.example = ShortForm(*node);
  }
  return key;
}

Fields& Fields::NoteVariant(std::string_view key, std::string_view name, std::string_view help) {
  variant_key = key;
  for (const Variant& variant : variants) {
    if (variant.name == name) {
      return *variant.fields;
    }
  }
  variants.push_back({std::string(name), std::string(help), std::make_unique<Fields>()});
  return *variants.back().fields;
}

}  // namespace gatehouse::config

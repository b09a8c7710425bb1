// SPDX-License-Identifier: Apache-2.0
#include "source/server/json_schema.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "source/base/text.h"
#include "source/server/shape_words.h"

namespace gatehouse::server {
namespace {

using config::Fields;
using config::KeyShape;
using config::ScalarShape;
using config::Shape;
using Json = nlohmann::ordered_json;
using Kind = ScalarShape::Kind;

constexpr char kVariable[] = R"(\$\{)";  // Found anywhere in a text.

// A text that holds a variable, or is all of `pattern`.
Json TextLike(const std::string& pattern) {
  return {{"type", "string"}, {"pattern", pattern + "|" + kVariable}};
}

Json NumberLike(const char* type, const ScalarShape& scalar) {
  const auto number = [](const std::string& text) { return Json::parse(text); };
  Json out = {{"type", type}};
  if (!scalar.min.empty() || scalar.kind == Kind::kUint) {
    out["minimum"] = scalar.min.empty() ? Json(0) : number(scalar.min);
  }
  if (!scalar.max.empty()) {
    out["maximum"] = number(scalar.max);
  }
  return out;
}

// Words that YAML takes for numbers are allowed as such, too.
Json WordList(const std::vector<std::string>& words) {
  Json out = Json::array();
  for (const std::string& word : words) {
    if (const auto number = ParseUint(word)) {
      out.push_back(*number);
    }
    out.push_back(word);
  }
  return out;
}

void AddScalar(const ScalarShape& scalar, std::vector<Json>& out) {
  switch (scalar.kind) {
    case Kind::kText:  // Any scalar is a text: `version: 2` is a fine label.
      out.push_back({{"type", {"string", "number", "boolean"}}});
      break;
    case Kind::kBool:
      out.push_back({{"type", "boolean"}});
      out.push_back(TextLike("^(true|false)$"));
      break;
    case Kind::kUint:
      out.push_back(NumberLike("integer", scalar));
      out.push_back(TextLike("^[0-9]+$"));
      break;
    case Kind::kNumber:
      out.push_back(NumberLike("number", scalar));
      out.push_back(TextLike("^-?[0-9.]+([eE][-+]?[0-9]+)?$"));
      break;
    case Kind::kDuration:
      out.push_back(
          TextLike("^(?=[0-9])([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?([0-9]+us)?"
                   "([0-9]+ns)?$"));
      break;
    case Kind::kSize:
      out.push_back(TextLike("^[0-9]+(B|KiB|MiB|GiB)$"));
      break;
    case Kind::kWords:
      out.push_back({{"enum", WordList(scalar.words)}});
      out.push_back({{"type", "string"}, {"pattern", kVariable}});
      break;
  }
}

// The default in the kind that the key has.
std::optional<Json> TypedDefault(const KeyShape& key) {
  const std::string text = DefaultOf(key);
  if (text.empty() || key.shape.scalars.empty()) {
    return std::nullopt;
  }
  const Kind kind = key.shape.scalars.front().kind;
  const bool number = ParseUint(text).has_value() || kind == Kind::kNumber;
  return kind == Kind::kBool || (number && kind != Kind::kText) ? Json::parse(text) : Json(text);
}

std::string Description(const KeyShape& key) {
  std::string out = key.help;
  std::string facts;
  const auto add = [&](const std::string& what, const std::string& text) {
    if (!text.empty()) {
      facts.append(facts.empty() ? "\n\n" : " ").append(what).append(text).append(".");
    }
  };
  const auto code = [](const std::string& text) { return text.empty() ? text : "`" + text + "`"; };
  add("Default: ", code(DefaultOf(key)));
  add("Units: ", UnitsInWords(key.shape));
  add("Limits: ", LimitsInWords(key.shape));
  add("Example: ", code(key.example));
  return out + facts;
}

class Writer {
 public:
  Json Write(const Shape& root) && {
    Json out = {{"$schema", "http://json-schema.org/draft-07/schema#"},
                {"$id", "urn:gatehouse:configuration"},
                {"title", "Gatehouse configuration"},
                {"description", "Made by `gatehouse schema` from the loaders of this version."}};
    out.update(OfFields(*root.forms.front().second, /*nullable=*/false));
    out["definitions"] = std::move(definitions_);
    return out;
  }

 private:
  Json OfKey(const KeyShape& key) {
    Json out = {{"description", Description(key)}};
    if (const std::optional<Json> def = TypedDefault(key)) {
      out["default"] = *def;
    }
    out.update(OfShape(key.shape, key.name, /*nullable=*/!key.required));
    if (key.required && key.shape.elements != nullptr && key.shape.scalars.empty()) {
      out["minItems"] = 1;
    }
    return out;
  }

  // `nullable`: nothing may stand for an empty list or mapping. `name` is that of the nearest key.
  Json OfShape(const Shape& shape, const std::string& name, bool nullable) {
    std::vector<Json> any;
    for (const ScalarShape& scalar : shape.scalars) {
      AddScalar(scalar, any);
    }
    if (shape.elements != nullptr) {
      any.push_back(
          {{"type", TypeOf("array", nullable)}, {"items", OfShape(*shape.elements, name, false)}});
    }
    if (shape.entries != nullptr) {
      any.push_back(OfEntries(*shape.entries, name, nullable));
    }
    for (const auto& [form, fields] : shape.forms) {
      any.push_back(OfFields(*fields, nullable));
    }
    return any.size() == 1 ? std::move(any.front()) : Json{{"anyOf", std::move(any)}};
  }

  static Json TypeOf(const char* type, bool nullable) {
    return nullable ? Json::array({type, "null"}) : Json(type);
  }

  Json OfEntries(const Shape& entry, const std::string& name, bool nullable) {
    Json out = {{"type", TypeOf("object", nullable)}};
    if (entry.forms.size() == 1 && !entry.forms.front().second->variants.empty()) {
      AddVariants(*entry.forms.front().second, name, out);
    } else {
      out["additionalProperties"] = OfShape(entry, name, /*nullable=*/true);
    }
    return out;
  }

  Json OfFields(const Fields& fields, bool nullable) {
    Json properties = Json::object();
    Json required = Json::array();
    for (const auto& key : fields.keys) {
      // Where nothing tells which variant it is, the key that would tell it has been decided.
      if (fields.variants.empty() || key->name != fields.variant_key) {
        AddProperty(*key, properties);
      }
      if (key->required) {
        required.push_back(key->name);
      }
    }
    for (const Fields::Variant& variant : fields.variants) {
      for (const auto& key : variant.fields->keys) {
        AddProperty(*key, properties);
      }
    }
    Json out = {{"type", TypeOf("object", nullable)}, {"properties", std::move(properties)}};
    if (!required.empty()) {
      out["required"] = std::move(required);
    }
    out["additionalProperties"] = false;
    return out;
  }

  // Keys of the same name, in several variants: one or the other.
  void AddProperty(const KeyShape& key, Json& properties) {
    Json schema = OfKey(key);
    const auto known = properties.find(key.name);
    if (known == properties.end()) {
      properties[key.name] = std::move(schema);
    } else if (*known != schema) {
      *known = {{"anyOf", {*known, std::move(schema)}}};
    }
  }

  // Entries whose variant is told by a key, or else by their name.
  void AddVariants(const Fields& fields, const std::string& name, Json& out) {
    const std::string ref = "#/definitions/";
    const Json is_told = {{"type", "object"}, {"required", {fields.variant_key}}};
    Json told = {{"type", "object"}, {"required", {fields.variant_key}}};
    Json names = Json::array();
    Json properties = Json::object();
    Json cases = Json::array();
    for (const Fields::Variant& variant : fields.variants) {
      std::string definition = name + "_" + variant.name;
      names.push_back(variant.name);
      properties[variant.name] = {{"if", is_told},
                                  {"then", {{"$ref", ref + name}}},
                                  {"else", {{"$ref", ref + definition}}}};
      const Json is_this = {{"properties", {{fields.variant_key, {{"const", variant.name}}}}}};
      cases.push_back({{"if", is_this}, {"then", {{"$ref", ref + definition}}}});
      definitions_[definition] = OfVariant(fields, variant);
    }
    Json tell = {{"description", Description(*fields.Find(fields.variant_key))},
                 {"anyOf", {{{"enum", names}}, {{"type", "string"}, {"pattern", kVariable}}}}};
    told["properties"] = {{fields.variant_key, std::move(tell)}};
    told["allOf"] = std::move(cases);
    definitions_[name] = std::move(told);
    out["properties"] = std::move(properties);
    out["additionalProperties"] = {{"$ref", ref + name}};
  }

  Json OfVariant(const Fields& fields, const Fields::Variant& variant) {
    Json properties = Json::object();
    for (const Fields* one : {&fields, static_cast<const Fields*>(variant.fields.get())}) {
      for (const auto& key : one->keys) {
        AddProperty(*key, properties);
      }
    }
    properties[fields.variant_key] = {{"description", variant.help}, {"const", variant.name}};
    return {{"description", variant.help},
            {"type", TypeOf("object", /*nullable=*/true)},
            {"properties", std::move(properties)},
            {"additionalProperties", false}};
  }

  Json definitions_ = Json::object();
};

}  // namespace

std::string JsonSchema(const Shape& shape) { return Writer().Write(shape).dump(2) + "\n"; }

}  // namespace gatehouse::server

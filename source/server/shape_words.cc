// SPDX-License-Identifier: Apache-2.0
#include "source/server/shape_words.h"

#include <string_view>

namespace gatehouse::server {
namespace {

using config::ScalarShape;
using config::Shape;
using Kind = ScalarShape::Kind;

std::string Code(std::string_view text) { return "`" + std::string(text) + "`"; }

void Append(std::string& out, std::string_view separator, const std::string& text) {
  if (!text.empty()) {
    out.append(out.empty() ? std::string_view() : separator).append(text);
  }
}

std::string ScalarInWords(const ScalarShape& scalar, const std::string& text_type) {
  switch (scalar.kind) {
    case Kind::kText:
      return text_type.empty() ? "string" : text_type;
    case Kind::kBool:
      return "boolean";
    case Kind::kUint:
      return "whole number";
    case Kind::kNumber:
      return "number";
    case Kind::kDuration:
      return "duration";
    case Kind::kSize:
      return "size";
    case Kind::kWords:
      break;
  }
  std::string out;
  for (const std::string& word : scalar.words) {
    Append(out, " ", Code(word));
  }
  return out;
}

std::string ShapeInWords(const Shape& shape, const std::string& text_type) {
  std::string out;
  for (const ScalarShape& scalar : shape.scalars) {
    Append(out, " or ", ScalarInWords(scalar, text_type));
  }
  if (shape.elements != nullptr) {
    Append(out, " or ", "list of " + ShapeInWords(*shape.elements, text_type));
  }
  if (shape.entries != nullptr) {
    Append(out, " or ", "mapping of names to " + ShapeInWords(*shape.entries, text_type));
  }
  if (!shape.forms.empty()) {
    Append(out, " or ", "mapping");
  }
  return out;
}

std::string UnitsOf(Kind kind) {
  switch (kind) {
    case Kind::kDuration:
      return "`ns` `us` `ms` `s` `m` `h`";
    case Kind::kSize:
      return "`B` `KiB` `MiB` `GiB`";
    default:
      return {};
  }
}

std::string Limits(const ScalarShape& scalar) {
  const bool plain = scalar.kind == Kind::kUint || scalar.kind == Kind::kNumber;
  const auto show = [&](const std::string& text) { return plain ? text : Code(text); };
  if (scalar.min.empty() && scalar.max.empty()) {
    return {};
  }
  if (scalar.min.empty()) {
    return plain ? "0 to " + scalar.max : "up to " + show(scalar.max);
  }
  return scalar.max.empty() ? "at least " + show(scalar.min)
                            : show(scalar.min) + " to " + show(scalar.max);
}

}  // namespace

std::string DefaultOf(const config::KeyShape& key) {
  if (!key.def.empty()) {
    return key.def;
  }
  for (const ScalarShape& scalar : key.shape.scalars) {
    if (!scalar.def.empty()) {
      return scalar.def;
    }
  }
  return {};
}

std::string LimitsInWords(const Shape& shape) {
  std::string out;
  for (const ScalarShape& scalar : shape.scalars) {
    Append(out, ", ", Limits(scalar));
  }
  return out;
}

std::string UnitsInWords(const Shape& shape) {
  std::string out;
  for (const ScalarShape& scalar : shape.scalars) {
    Append(out, "; ", UnitsOf(scalar.kind));
  }
  return out;
}

std::string TypeInWords(const config::KeyShape& key) { return ShapeInWords(key.shape, key.type); }

}  // namespace gatehouse::server

// SPDX-License-Identifier: Apache-2.0
#include "source/server/config_reference.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "source/base/text.h"
#include "source/server/shape_words.h"

namespace gatehouse::server {
namespace {

using config::Fields;
using config::KeyShape;
using config::Shape;

constexpr std::string_view kNamed = ".NAME";  // Ends the path of an entry.

constexpr std::string_view kIntroduction = R"(# Every key of the configuration

This page is made by `gatehouse schema --format markdown` from the code that reads configurations; `tools/generate` writes it anew.
[configuration.md](configuration.md) explains how values are written, variables, and what happens when something is wrong.

In paths, `[]` stands for each element of a list, and `NAME` for a key of your choice. A duration is a whole number with a unit, or
several, the largest first: `1m30s`. A size is a whole number with a unit; units are powers of 1024. `${NAME}` and `${NAME:-default}` may
stand in every value.
)";

// Text for a cell of a table.
std::string Cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    out.append(c == '|' ? "\\|" : std::string(1, c));
  }
  return out;
}

std::string Code(const std::string& text, std::string_view otherwise) {
  return text.empty() ? std::string(otherwise) : "`" + Cell(text) + "`";
}

// How GitHub names the place of a heading.
std::string Anchor(std::string_view heading) {
  std::string out;
  for (const char c : heading) {
    const char lower = ToLower(c);
    if ((lower >= 'a' && lower <= 'z') || IsDigit(c) || c == '_' || c == '-') {
      out.push_back(lower);
    } else if (c == ' ') {
      out.push_back('-');
    }
  }
  return out;
}

std::string Link(const std::string& heading) {
  return "[" + heading + "](#" + Anchor(heading) + ")";
}

// The mappings that stand at one place or right below it: of itself, of its elements or entries.
template <typename Visit>
void ForEachForm(const Shape& shape, const std::string& path, const Visit& visit) {
  for (const auto& [form, fields] : shape.forms) {
    visit(form.empty() ? path : path + " with " + form, *fields);
  }
  if (shape.elements != nullptr) {
    ForEachForm(*shape.elements, path + "[]", visit);
  }
  if (shape.entries != nullptr) {
    ForEachForm(*shape.entries, path + ".NAME", visit);
  }
}

class Page {
 public:
  std::string Write(const Shape& root) && {
    out_ = kIntroduction;
    const Fields& fields = *root.forms.front().second;
    out_.append("\n## The top level\n\n").append(Table(fields, ""));
    Below(fields, "", 2);
    return std::move(out_);
  }

 private:
  static std::string PathOf(const std::string& parent, const KeyShape& key) {
    return parent.empty() ? key.name : parent + "." + key.name;
  }

  static std::string Row(const KeyShape& key, const std::string& parent) {
    std::string out = "| `" + key.name + "` | " + TypeInWords(key);
    std::string below;
    ForEachForm(key.shape, PathOf(parent, key), [&](const std::string& heading, const Fields&) {
      below.append(below.empty() ? ": " : ", ").append(Link(heading));
    });
    out.append(below).append(" | ");
    out.append(key.required ? "required" : Code(DefaultOf(key), "none")).append(" | ");
    const std::string units = UnitsInWords(key.shape);
    const std::string limits = LimitsInWords(key.shape);
    out.append(units).append(units.empty() || limits.empty() ? "" : "; ").append(limits);
    out.append(" | ").append(Code(key.example, "there")).append(" | ");
    return out + Cell(key.help) + " |\n";
  }

  static std::string Table(const Fields& fields, const std::string& path) {
    std::string out =
        "| key | type | default | unit, limits | example | meaning |\n"
        "|---|---|---|---|---|---|\n";
    for (const auto& key : fields.keys) {
      // Where nothing tells the variant, the key that would tell it is not allowed.
      if (fields.variants.empty() || path.ends_with(kNamed) || key->name != fields.variant_key) {
        out.append(Row(*key, path));
      }
    }
    return out;
  }

  // The sections of what is below `fields`, which is at `path`.
  void Below(const Fields& fields, const std::string& path, size_t level) {
    for (const auto& key : fields.keys) {
      ForEachForm(key->shape, PathOf(path, *key),
                  [&](const std::string& heading, const Fields& form) {
                    Section(heading, key->help, form, level);
                  });
    }
  }

  void Section(const std::string& heading, const std::string& help, const Fields& fields,
               size_t level) {
    Heading(heading, level);
    // One table is enough for what is the same but for its place.
    const auto [first, fresh] = written_.emplace(Table(fields, ""), heading);
    if (!fresh) {
      out_.append("As ").append(Link(first->second)).append(".\n");
      return;
    }
    out_.append(help).append("\n\n").append(Table(fields, heading));
    const bool named = heading.ends_with(kNamed);
    if (!fields.variants.empty() && !named) {
      out_.append("\nFurther keys are those of the type; each replaces its own as a whole.\n");
    }
    Below(fields, heading, level + 1);
    for (const Fields::Variant& variant : fields.variants) {
      if (named) {
        Heading(heading + " of " + fields.variant_key + " " + variant.name, level + 1);
        out_.append(variant.help).append("\n\n").append(Table(*variant.fields, heading));
        Below(*variant.fields, heading, level + 2);
      }
    }
  }

  void Heading(const std::string& text, size_t level) {
    constexpr size_t kDeepest = 5;
    out_.append("\n")
        .append(std::min(level, kDeepest), '#')
        .append(" ")
        .append(text)
        .append("\n\n");
  }

  std::string out_;
  std::map<std::string, std::string> written_;  // Tables, and the headings that they stand under.
};

}  // namespace

std::string ConfigReference(const Shape& shape) { return Page().Write(shape); }

}  // namespace gatehouse::server

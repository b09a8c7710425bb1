// SPDX-License-Identifier: Apache-2.0
#include "source/server/yaml_writer.h"

#include <algorithm>

#include "source/base/text.h"

namespace gatehouse::server {
namespace {

constexpr size_t kMaxFlowWidth = 100;

bool IsPlainCharacter(char c) {
  const char lower = ToLower(c);
  return (lower >= 'a' && lower <= 'z') || IsDigit(c) ||
         std::string_view("_./+*%$^=-").find(c) != std::string_view::npos;
}

// Whether `text` may stand without quotes in any place: stricter than YAML is.
bool IsPlain(std::string_view text) {
  static constexpr std::string_view kSpecial[] = {"null", "Null", "NULL", "~", "-", "---", "..."};
  if (text.empty() || text.find("${") != text.npos ||
      std::find(std::begin(kSpecial), std::end(kSpecial), text) != std::end(kSpecial)) {
    return false;
  }
  for (size_t i = 0; i < text.size(); ++i) {
    const bool inside = i > 0 && i + 1 < text.size();
    // A colon before a letter or digit is part of the text, as in 127.0.0.1:80.
    const bool colon = text[i] == ':' && inside && IsPlainCharacter(text[i + 1]);
    if (!IsPlainCharacter(text[i]) && !colon) {
      return false;
    }
  }
  return std::string_view("%*=-").find(text.front()) == std::string_view::npos;
}

std::string Spelled(std::string_view text) {
  if (IsPlain(text)) {
    return std::string(text);
  }
  // JSON's strings are YAML's, but for line ends and tabs, which have shorter names.
  std::string out = "\"";
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find_first_of("\n\t", at), text.size());
    AppendJsonEscaped(out, text.substr(at, end - at));
    if (end < text.size()) {
      out.append(text[end] == '\n' ? "\\n" : "\\t");
    }
    at = end + 1;
  }
  out.push_back('"');
  return out;
}

bool IsScalar(const Tree& node) { return node.is_string() || node.is_null(); }

std::string ScalarOf(const Tree& node) {
  return node.is_null() ? "null" : YamlScalar(node.get_ref<const std::string&>());
}

// `node` in one line.
std::string Flow(const Tree& node) {
  if (IsScalar(node)) {
    return ScalarOf(node);
  }
  std::string out = node.is_array() ? "[" : "{";
  for (const auto& [key, value] : node.items()) {
    out.append(out.size() > 1 ? ", " : "");
    if (node.is_object()) {
      out.append(Spelled(key)).append(": ");
    }
    out.append(Flow(value));
  }
  out.push_back(node.is_array() ? ']' : '}');
  return out;
}

// Short mappings and lists of scalars are written in one line, those of such ones too when they
// stand alone.
bool FitsInLine(const Tree& node, size_t indent, std::string& flow) {
  if (!IsScalar(node) && !node.empty()) {
    const bool leaf = std::all_of(node.begin(), node.end(), [](const Tree& child) {
      return IsScalar(child) || child.empty() || child.size() == 1;
    });
    if (!leaf) {
      return false;
    }
  }
  flow = Flow(node);
  return IsScalar(node) || indent + flow.size() <= kMaxFlowWidth;
}

void AppendList(std::string& out, const Tree& list, size_t indent) {
  for (const Tree& element : list) {
    AppendYamlElement(out, element, indent);
  }
}

}  // namespace

void AppendYamlElement(std::string& out, const Tree& element, size_t indent) {
  std::string flow;
  out.append(indent, ' ').append("- ");
  if (FitsInLine(element, indent + 2, flow)) {
    out.append(flow).push_back('\n');
  } else if (element.is_object()) {
    std::string block;
    AppendYaml(block, element, indent + 2);
    out.append(block, indent + 2);  // The first line continues the dash.
  } else {
    out.push_back('\n');
    AppendList(out, element, indent + 2);
  }
}

std::string YamlScalar(std::string_view text) {
  std::string escaped;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("${")) {
      escaped.push_back('$');
    }
    escaped.push_back(text[i]);
  }
  return Spelled(escaped);
}

void AppendYaml(std::string& out, const Tree& map, size_t indent) {
  for (const auto& [key, value] : map.items()) {
    out.append(indent, ' ').append(Spelled(key)).push_back(':');
    std::string flow;
    if (FitsInLine(value, indent + key.size() + 2, flow)) {
      out.append(" ").append(flow).push_back('\n');
      continue;
    }
    out.push_back('\n');
    if (value.is_object()) {
      AppendYaml(out, value, indent + 2);
    } else {
      AppendList(out, value, indent + 2);
    }
  }
}

}  // namespace gatehouse::server

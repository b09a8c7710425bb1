// SPDX-License-Identifier: Apache-2.0
#include "source/admin/query.h"

#include "source/base/text.h"

namespace gatehouse::admin {

std::string DecodeForm(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 &&
                        HexDigit(text[i + 2]) >= 0;
    if (escape) {
      out.push_back(static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i] == '+' ? ' ' : text[i]);
    }
  }
  return out;
}

Query::Query(std::string_view text) {
  while (!text.empty() && parameters_.size() < kMaxParameters) {
    const size_t end = text.find('&');
    const std::string_view parameter = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (!parameter.empty()) {
      const size_t equals = parameter.find('=');
      const std::string_view value =
          equals == std::string_view::npos ? std::string_view() : parameter.substr(equals + 1);
      parameters_.emplace_back(DecodeForm(parameter.substr(0, equals)), DecodeForm(value));
    }
  }
}

bool Query::Has(std::string_view name) const {
  for (const auto& [key, value] : parameters_) {
    if (key == name) {
      return true;
    }
  }
  return false;
}

std::string_view Query::Value(std::string_view name) const {
  for (const auto& [key, value] : parameters_) {
    if (key == name) {
      return value;
    }
  }
  return {};
}

std::vector<std::string> Query::Values(std::string_view name) const {
  std::vector<std::string> out;
  for (const auto& [key, value] : parameters_) {
    if (key == name) {
      out.push_back(value);
    }
  }
  return out;
}

}  // namespace gatehouse::admin

// SPDX-License-Identifier: Apache-2.0
// The parameters of a request's query, decoded.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gatehouse::admin {

// As forms encode: plus is a space. A percent sign that escapes nothing stands for itself.
std::string DecodeForm(std::string_view text);

class Query {
 public:
  static constexpr size_t kMaxParameters = 256;  // The rest is ignored.

  // `text`: "a=1&b=two+words&c=%2F", without the question mark.
  explicit Query(std::string_view text);

  bool Has(std::string_view name) const;
  // Of the first of that name; empty when there is none.
  std::string_view Value(std::string_view name) const;
  std::vector<std::string> Values(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& parameters() const { return parameters_; }

 private:
  std::vector<std::pair<std::string, std::string>> parameters_;
};

}  // namespace gatehouse::admin

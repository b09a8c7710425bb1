// SPDX-License-Identifier: Apache-2.0
#include "source/pipeline/regex_cache.h"

#include <re2/re2.h>

#include <utility>

namespace gatehouse::pipeline {

std::shared_ptr<const re2::RE2> RegexCache::Regex(const config::Value& value,
                                                  const std::string& pattern) {
  const auto known = regexes_.find(pattern);
  if (known != regexes_.end()) {
    return known->second;
  }
  re2::RE2::Options options;
  options.set_encoding(re2::RE2::Options::EncodingLatin1);
  options.set_dot_nl(true);
  options.set_never_capture(true);
  options.set_log_errors(false);
  auto regex = std::make_shared<const re2::RE2>(pattern, options);
  if (!regex->ok()) {
    std::string message = "the regular expression is wrong: " + regex->error();
    const size_t at = pattern.find(regex->error_arg());
    if (at != std::string::npos && !regex->error_arg().empty()) {
      message += " at character " + std::to_string(at + 1);
    }
    value.Error(std::move(message));
    return nullptr;
  }
  regexes_.emplace(pattern, regex);
  return regex;
}

}  // namespace gatehouse::pipeline

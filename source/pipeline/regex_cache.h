// SPDX-License-Identifier: Apache-2.0
// The regular expressions of a configuration's section, each compiled once however often it is
// written.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "source/config/object.h"

namespace re2 {
class RE2;
}

namespace gatehouse::pipeline {

// Lives while a section is loaded; what it handed out may live on.
class RegexCache {
 public:
  // The compiled `pattern`, shared with all who spell it the same; null, and an error at `value`,
  // when it is none. Expressions see bytes, and a dot any of them: what isn't UTF-8, or a decoded
  // line end, can't slip past `.*`.
  std::shared_ptr<const re2::RE2> Regex(const config::Value& value, const std::string& pattern);

 private:
  std::map<std::string, std::shared_ptr<const re2::RE2>, std::less<>> regexes_;
};

}  // namespace gatehouse::pipeline

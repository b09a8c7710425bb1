// SPDX-License-Identifier: Apache-2.0
// Web origins (RFC 6454), as a list of those that are meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "source/base/error.h"
#include "source/config/object.h"
#include "source/pipeline/regex_cache.h"
#include "source/pipeline/value_match.h"

namespace gatehouse::filters {

// Immutable once loaded; any thread.
class OriginSet {
 public:
  // Adds what `value` says: "https://app.example.com", "https://*.example.org" (one or more
  // labels), "http://localhost:*" (any port), "null", "*" (any) or {regex: ...}. Mistakes are
  // errors there.
  void Load(const config::Value& value, pipeline::RegexCache& regexes);

  // `origin` as it was sent: browsers spell scheme and host in lower case and leave out the default
  // port (HTML, serialization of an origin), so bytes are compared.
  bool Contains(std::string_view origin) const;
  // "*" is among them.
  bool any() const { return any_; }
  // Whether pages of anybody's are among them: by "*", by an expression that matches all, or by
  // "null", which every site can have its sandboxed frames send.
  bool HoldsAnybody() const { return Contains("null") || Contains("https://anybody.invalid"); }
  bool empty() const { return !any_ && exact_.empty() && patterns_.empty() && regexes_.empty(); }

 private:
  // scheme://[any labels]host[:any port]
  struct Pattern {
    std::string scheme;  // With "://".
    std::string host;    // From its dot on, when labels come before it.
    std::string port;    // With its colon; empty: none.
    bool labels = false;
    bool any_port = false;
    bool Matches(std::string_view origin) const;
  };
  // The error's message is a whole sentence; `suggestion` may be given.
  Result<Pattern> Parse(std::string_view text, std::string& suggestion) const;
  void Add(Pattern pattern);

  bool any_ = false;
  std::vector<std::string> exact_;  // Sorted.
  std::vector<Pattern> patterns_;
  std::vector<pipeline::ValueMatch> regexes_;
};

}  // namespace gatehouse::filters

// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/challenge.h"

#include "source/filters/field_name.h"

namespace gatehouse::filters {

std::string QuotedString(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
    }
    out.push_back(c);
  }
  return out + "\"";
}

std::string LoadRealm(config::Object& in) {
  const std::string realm = in.String("realm", "gatehouse",
                                      "What the credentials are for, in the words of "
                                      "WWW-Authenticate: browsers show it when they ask.");
  if (HoldsControls(realm)) {
    in.Error("realm", "has control characters, which headers can't hold");
  }
  return "realm=" + QuotedString(realm);
}

}  // namespace gatehouse::filters

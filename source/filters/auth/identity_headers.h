// SPDX-License-Identifier: Apache-2.0
// Header fields that tell the upstream who is calling. Nobody but the gateway sets them: what a
// client sends under their names never passes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "source/base/arena.h"
#include "source/config/object.h"
#include "source/http/message/head.h"
#include "source/observe/identity.h"

namespace gatehouse::filters {

// Immutable; any thread.
class IdentityHeaders {
 public:
  // The field `name`, as users wrote it, has what `field` says. False, and an error at `at`, when
  // the name is wrong or taken.
  bool Add(const std::string& name, observe::IdentityField field, const config::Value& at);

  // Removes the fields, also such whose names differ only by "_" for "-": servers that turn names
  // into variables (CGI, WSGI) can't tell them apart.
  void Strip(http::Headers& fields) const;
  // Sets them. Several values are joined by commas; of none, and of one that no field can hold,
  // there is no field. Values may be views of `identity`. REQUIRES: Strip() was called.
  void Set(const observe::Identity& identity, http::RequestHead& head, Arena& arena) const;

  bool Has(std::string_view name) const;  // In lower case.

 private:
  struct Entry {
    std::string name;  // Lower case.
    observe::IdentityField field;
  };
  std::vector<Entry> entries_;
};

}  // namespace gatehouse::filters

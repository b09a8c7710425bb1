// SPDX-License-Identifier: Apache-2.0
#include "source/http/message/connection_options.h"

#include "source/base/text.h"

namespace gatehouse::http {
namespace {

constexpr size_t kMaxOptions = 64;

// Calls `visit(element)` for each element of all `name` fields until it returns false.
template <typename Visit>
void ForEachElement(const Headers& headers, Known name, Visit visit) {
  bool more = true;
  for (const Field* field = headers.Find(name); field != nullptr && more;
       field = headers.Next(*field)) {
    ForEachListElement(field->value,
                       [&](std::string_view element) { return more = visit(element); });
  }
}

}  // namespace

ConnectionOptions ReadConnectionOptions(const Headers& headers) {
  ConnectionOptions options;
  size_t count = 0;
  ForEachElement(headers, Known::kConnection, [&](std::string_view option) {
    const Known known = LookUpName(option);
    if (known == Known::kKeepAlive) {
      options.keep_alive = true;
    } else if (EqualsIgnoreCase(option, "close")) {
      options.close = true;
    } else if (!IsHopByHop(known)) {
      options.names_fields = true;
    }
    options.too_many = ++count > kMaxOptions;
    return !options.too_many;
  });
  return options;
}

bool AsksForProtocol(const Headers& headers, std::string_view protocol) {
  bool found = false;
  ForEachElement(headers, Known::kUpgrade, [&](std::string_view element) {
    found = EqualsIgnoreCase(element.substr(0, element.find('/')), protocol);
    return !found;
  });
  return found;
}

bool IsNamedByConnection(const Headers& headers, const Field& field) {
  if (field.line_bytes == 0 || field.known == Known::kHost ||
      field.known == Known::kContentLength || field.known == Known::kTransferEncoding) {
    return false;
  }
  bool named = false;
  ForEachElement(headers, Known::kConnection, [&](std::string_view option) {
    named = EqualsIgnoreCase(option, field.name);
    return !named;
  });
  return named;
}

}  // namespace gatehouse::http

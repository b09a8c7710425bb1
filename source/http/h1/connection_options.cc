// SPDX-License-Identifier: Apache-2.0
#include "source/http/h1/connection_options.h"

#include "source/base/text.h"

namespace gatehouse::http {
namespace {

constexpr size_t kMaxOptions = 64;

// Calls `visit(option)` for each option of all Connection fields until it returns false.
template <typename Visit>
void ForEachOption(const Headers& headers, Visit visit) {
  bool more = true;
  for (const Field* field = headers.Find(Known::kConnection); field != nullptr && more;
       field = headers.Next(*field)) {
    ForEachListElement(field->value, [&](std::string_view option) { return more = visit(option); });
  }
}

}  // namespace

ConnectionOptions ReadConnectionOptions(const Headers& headers) {
  ConnectionOptions options;
  size_t count = 0;
  ForEachOption(headers, [&](std::string_view option) {
    if (EqualsIgnoreCase(option, "close")) {
      options.close = true;
    } else if (EqualsIgnoreCase(option, "keep-alive")) {
      options.keep_alive = true;
    } else if (!IsHopByHop(LookUpName(option))) {
      options.names_fields = true;
    }
    options.too_many = ++count > kMaxOptions;
    return !options.too_many;
  });
  return options;
}

bool IsNamedByConnection(const Headers& headers, const Field& field) {
  if (field.line_bytes == 0 || field.known == Known::kHost ||
      field.known == Known::kContentLength || field.known == Known::kTransferEncoding) {
    return false;
  }
  bool named = false;
  ForEachOption(headers, [&](std::string_view option) {
    named = EqualsIgnoreCase(option, field.name);
    return !named;
  });
  return named;
}

}  // namespace gatehouse::http

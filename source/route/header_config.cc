// SPDX-License-Identifier: Apache-2.0
#include "source/route/header_config.h"

#include <algorithm>

#include "source/base/text.h"
#include "source/http/message/names.h"
#include "source/pipeline/request_config.h"

namespace gatehouse::route {
namespace {

using config::Object;
using config::Value;

// What is wrong with setting or removing `name`; empty when it may be.
std::string WhyNotName(std::string_view name) {
  const std::string quoted = "\"" + std::string(name) + "\"";
  if (!pipeline::IsToken(name)) {
    return quoted + " is not a header name";
  }
  const http::Known known = http::LookUpName(name);
  if (known == http::Known::kContentLength || known == http::Known::kTransferEncoding ||
      http::IsHopByHop(known)) {
    return quoted + " belongs to the connection and is made by the gateway";
  }
  if (known == http::Known::kHost) {
    return "the host is set with rewrite.host";
  }
  return {};
}

bool IsFieldValue(std::string_view value) {
  return std::none_of(value.begin(), value.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

}  // namespace

std::vector<std::pair<std::string, std::string>> LoadFields(Object& in, std::string_view key,
                                                            const config::About& about) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& [name, value] : in.Entries(key, about)) {
    const std::string text = value.String();
    if (const std::string why = WhyNotName(name); !why.empty()) {
      value.Error(why);
    } else if (!IsFieldValue(text)) {
      value.Error("the value has control characters, which headers can't hold");
    } else {
      out.emplace_back(name, TrimOws(text));
    }
  }
  return out;
}

HeaderEdits LoadHeaderEdits(Object in) {
  HeaderEdits out;
  out.set = LoadFields(in, "set", "Headers by name that replace all of their name.");
  out.add = LoadFields(in, "add", "Headers by name that come beside those of their name.");
  for (const Value& value : in.List(
           "remove", config::About("Names of headers that are removed.").Type("header's name"))) {
    const std::string name = value.String();
    if (!value.IsScalar()) {
      continue;
    }
    if (const std::string why = WhyNotName(name); !why.empty()) {
      value.Error(why);
    } else {
      out.remove.push_back(name);
    }
  }
  return out;
}

}  // namespace gatehouse::route

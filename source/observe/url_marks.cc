// SPDX-License-Identifier: Apache-2.0
#include "source/observe/url_marks.h"

#include <algorithm>

#include "source/base/text.h"

namespace gatehouse::observe {
namespace {

constexpr bool TakesApart(char c) {
  return c == '?' || c == '&' || c == '#' || c == ';' || c == '=' || c == '/' || c == '\\' ||
         c == ':' || c == '@';
}

// A password that goes on after a slash is not looked for further than this, lest it take long.
constexpr size_t kLongPassword = 128;

bool IsPort(std::string_view text) { return std::all_of(text.begin(), text.end(), IsDigit); }

}  // namespace

UrlMark DecodeUrlCharacter(std::string_view text) {
  UrlMark out{0, 1, 1};
  while (text.substr(out.size).starts_with("25")) {
    out.size += 2;
    ++out.depth;
  }
  if (out.size + 2 > text.size()) {
    return {};
  }
  const int high = HexDigit(text[out.size]);
  const int low = HexDigit(text[out.size + 1]);
  if (high < 0 || low < 0) {
    return {};
  }
  out.c = static_cast<char>(high * 16 + low);
  out.size += 2;
  return out;
}

UrlMark UrlMarkAt(std::string_view text) {
  if (TakesApart(text.front())) {
    return {text.front(), 1, 0};
  }
  const UrlMark encoded = text.front() == '%' ? DecodeUrlCharacter(text) : UrlMark{};
  return TakesApart(encoded.c) ? encoded : UrlMark{};
}

size_t EndOfValue(std::string_view text, size_t at, size_t depth, bool in_path) {
  if (in_path) {
    return std::min(text.find_first_of("?#", at), text.size());
  }
  for (; at < text.size(); ++at) {
    const UrlMark mark = UrlMarkAt(text.substr(at));
    if (mark.c == '&' && mark.depth <= depth) {
      break;
    }
  }
  return at;
}

size_t EndOfUser(std::string_view text, size_t depth, bool in_path) {
  size_t user = std::string_view::npos;
  size_t port = std::string_view::npos;
  bool in_host = true;
  for (size_t at = 0; at < text.size();) {
    const UrlMark mark = UrlMarkAt(text.substr(at));
    const bool here = mark.depth <= depth;
    if (mark.c == '@') {
      user = at;
      if (!in_host) {
        break;
      }
    } else if (mark.c == '&' && here && !in_path) {
      break;
    } else if (mark.c == ':') {
      port = in_host ? at + mark.size : port;
    } else if (in_host && here && (IsSlash(mark.c) || mark.c == '?' || mark.c == '#')) {
      const bool whole = user != std::string_view::npos || port == std::string_view::npos ||
                         text.front() == '[' || IsPort(text.substr(port, at - port));
      if (whole) {
        break;
      }
      in_host = false;
      text = text.substr(0, at + kLongPassword);
    }
    at += std::max<size_t>(mark.size, 1);
  }
  return user;
}

size_t FirstParameter(std::string_view text) {
  const auto* const found = std::find_if(text.begin(), text.end(),
                                         [](char c) { return c == '?' || c == ';' || c == '#'; });
  return static_cast<size_t>(found - text.begin());
}

}  // namespace gatehouse::observe

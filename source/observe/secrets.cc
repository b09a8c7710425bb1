// SPDX-License-Identifier: Apache-2.0
#include "source/observe/secrets.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "source/base/text.h"

namespace gatehouse::observe {
namespace {

// Letters and digits only. Sorted.
constexpr std::string_view kNames[] = {
    "assertion", "auth",        "authorization", "clientassertion", "code",
    "cookie",    "hmac",        "idtokenhint",   "jsessionid",      "jwt",
    "key",       "otp",         "pass",          "passphrase",      "phpsessid",
    "pwd",       "samlrequest", "samlresponse",  "session",         "sessionid",
    "setcookie", "sid",         "sig",           "ticket",          "xauth",
};
static_assert(std::is_sorted(std::begin(kNames), std::end(kNames)));

constexpr std::string_view kEndings[] = {
    "token",     "password",  "passwd",     "secret",      "signature",  "apikey",
    "secretkey", "accesskey", "privatekey", "accesskeyid", "credential", "authorization",
};

constexpr std::string_view kUrlFields[] = {
    "content-location", "location",       "referer",        "refresh",
    "x-forwarded-uri",  "x-original-uri", "x-original-url", "x-rewrite-url",
};

constexpr std::string_view kSchemes[] = {
    "apikey", "aws4-hmac-sha256", "basic",     "bearer", "digest",        "dpop",  "gnap",
    "hoba",   "mutual",           "negotiate", "ntlm",   "scram-sha-256", "token",
};

// A character that takes URLs apart, as it stands or percent-encoded, perhaps more than once.
struct Mark {
  char c = 0;  // 0: there is none.
  size_t size = 0;
  size_t depth = 0;  // How often it is encoded.
};

constexpr bool TakesApart(char c) {
  return c == '?' || c == '&' || c == '#' || c == ';' || c == '=';
}

// "%41", "%2541" …: the character and how many bytes it takes. `text` begins with a percent sign.
Mark Decode(std::string_view text) {
  Mark out{0, 1, 1};
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

Mark MarkAt(std::string_view text) {
  if (TakesApart(text.front())) {
    return {text.front(), 1, 0};
  }
  const Mark encoded = text.front() == '%' ? Decode(text) : Mark{};
  return TakesApart(encoded.c) ? encoded : Mark{};
}

// Where the value of a parameter ends whose "=" is encoded `depth` times: only "&" is sure to be
// the end for whoever reads it.
size_t EndOfValue(std::string_view text, size_t at, size_t depth) {
  for (; at < text.size(); ++at) {
    const Mark mark = MarkAt(text.substr(at));
    if (mark.c == '&' && mark.depth <= depth) {
      break;
    }
  }
  return at;
}

bool IsKnown(std::string_view letters) {
  return std::binary_search(std::begin(kNames), std::end(kNames), letters) ||
         std::any_of(std::begin(kEndings), std::end(kEndings),
                     [&](std::string_view ending) { return letters.ends_with(ending); });
}

bool IsLetterOrDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'z'); }

// What names are compared by.
std::string Letters(std::string_view name) {
  std::string out = Lowercase(name);
  std::erase_if(out, [](char c) { return !IsLetterOrDigit(c); });
  return out;
}

}  // namespace

Secrets::~Secrets() {
  for (const Added* one = parameters_.load(std::memory_order_acquire); one != nullptr;) {
    delete std::exchange(one, one->next);
  }
}

void Secrets::HideHeader(std::string_view name) {
  headers_[Lowercase(name)].store(true, std::memory_order_relaxed);
}

void Secrets::HideParameter(std::string_view name) {
  std::string letters = Letters(name);
  if (!letters.empty() && !IsKnown(letters) && !IsAdded(letters)) {
    const Added* const rest = parameters_.load(std::memory_order_relaxed);
    parameters_.store(new Added{std::move(letters), rest}, std::memory_order_release);
  }
}

const std::atomic<bool>& Secrets::Header(std::string_view name) {
  std::atomic<bool>& hidden = headers_[Lowercase(name)];
  if (IsKnown(Letters(name))) {
    hidden.store(true, std::memory_order_relaxed);
  }
  return hidden;
}

bool Secrets::HoldsUrl(std::string_view header) {
  return std::any_of(std::begin(kUrlFields), std::end(kUrlFields),
                     [&](std::string_view one) { return EqualsIgnoreCase(one, header); });
}

std::string_view Secrets::HiddenValue(std::string_view value, std::string& room) {
  const size_t space = value.find(' ');
  const std::string_view scheme = value.substr(0, space);
  const bool known =
      space != std::string_view::npos &&
      std::any_of(std::begin(kSchemes), std::end(kSchemes),
                  [&](std::string_view one) { return EqualsIgnoreCase(one, scheme); });
  if (value.empty() || !known) {
    return value.empty() ? value : kHidden;
  }
  room.assign(scheme).append(" ").append(kHidden);
  return room;
}

bool Secrets::IsAdded(std::string_view letters) const {
  const Added* one = parameters_.load(std::memory_order_acquire);
  while (one != nullptr && one->name != letters) {
    one = one->next;
  }
  return one != nullptr;
}

// Each part of "user[password]" and "user.password" counts, and the whole.
bool Secrets::IsSecret(std::string_view name) const {
  std::array<char, 128> whole;
  size_t size = 0;
  size_t part = 0;  // Where it begins.
  const auto is_secret = [&](size_t begin) {
    const std::string_view letters(whole.data() + begin, size - begin);
    return !letters.empty() && (IsKnown(letters) || IsAdded(letters));
  };
  while (!name.empty()) {
    const Mark encoded = name.front() == '%' ? Decode(name) : Mark{};
    const char c = encoded.size > 0 ? ToLower(encoded.c) : ToLower(name.front());
    name.remove_prefix(std::max<size_t>(encoded.size, 1));
    if (IsLetterOrDigit(c)) {
      if (size == whole.size()) {
        return true;  // Nobody knows what such a name stands for.
      }
      whole[size++] = c;
    } else if (c == '[' || c == ']' || c == '.') {
      if (is_secret(part)) {
        return true;
      }
      part = size;
    }
  }
  return is_secret(part) || (part > 0 && is_secret(0));
}

std::string_view Secrets::WithoutParameters(std::string_view url, std::string& room) const {
  url = url.substr(0, kMaxBytes);
  const size_t query = url.find_first_of("?#");
  const std::string_view path = url.substr(0, query);
  const size_t scheme = path.find("://");
  if (scheme != std::string_view::npos) [[unlikely]] {
    const size_t begin = scheme + 3;
    const size_t end = std::min(path.find('/', begin), path.size());
    const size_t at = path.substr(0, end).rfind('@');
    const size_t colon = path.find(':', begin);
    if (at != std::string_view::npos && colon < at) {
      std::string rest;
      rest = query == std::string_view::npos ? std::string_view()
                                             : WithoutQuery(url.substr(query), 0, room);
      room.assign(path.substr(0, colon + 1)).append(kHidden).append(path.substr(at)).append(rest);
      return room;
    }
  }
  return query == std::string_view::npos ? url : WithoutQuery(url, query, room);
}

std::string_view Secrets::WithoutQuery(std::string_view url, size_t begin,
                                       std::string& room) const {
  bool changed = false;
  size_t copied = 0;        // Of `url`, into room.
  size_t name = begin + 1;  // Where the name begins that is being read.
  for (size_t at = begin + 1; at < url.size();) {
    const Mark mark = MarkAt(url.substr(at));
    if (mark.c == 0) {
      ++at;
      continue;
    }
    const size_t after = at + mark.size;
    if (mark.c == '=' && IsSecret(url.substr(name, at - name))) {
      at = EndOfValue(url, after, mark.depth);
      if (at > after) {
        if (!std::exchange(changed, true)) {
          room.clear();
        }
        room.append(url.substr(copied, after - copied)).append(kHidden);
        copied = at;
      }
    } else {
      at = after;
    }
    name = at;
  }
  if (!changed) {
    return url;
  }
  room.append(url.substr(copied));
  return room;
}

}  // namespace gatehouse::observe

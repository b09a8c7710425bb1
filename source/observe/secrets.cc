// SPDX-License-Identifier: Apache-2.0
#include "source/observe/secrets.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "source/base/text.h"
#include "source/observe/url_marks.h"

namespace gatehouse::observe {
namespace {

// Letters and digits only, without an "s" or a number at the end. Sorted.
constexpr std::string_view kNames[] = {
    "auth",        "bearer", "code", "cookie",  "cred",        "csrf",
    "idtokenhint", "key",    "pin",  "session", "samlrequest", "samlresponse",
    "setcookie",   "sess",   "sid",  "sig",     "ticket",      "xsrf",
};

// After whatever else. "pass" is whole because its last letter is no plural.
constexpr std::string_view kEndings[] = {
    "token",
    "password",
    "passwd",
    "pass",
    "passphrase",
    "passcode",
    "pwd",
    "secret",
    "signature",
    "assertion",
    "credential",
    "authorization",
    "xauth",
    "hmac",
    "jwt",
    "otp",
    "verifier",
    "accesskeyid",
    "sessionid",
    "sessid",
    "apikey",
    "accesskey",
    "authkey",
    "encryptionkey",
    "licensekey",
    "masterkey",
    "privatekey",
    "secretkey",
    "sessionkey",
    "sharedkey",
    "signingkey",
    "accesscode",
    "authcode",
    "backupcode",
    "devicecode",
    "invitecode",
    "logincode",
    "mfacode",
    "otpcode",
    "pincode",
    "recoverycode",
    "resetcode",
    "securitycode",
    "smscode",
    "authorizationcode",
    "usercode",
    "verificationcode",
};

// Fields that hold secrets though their names don't say so: certificates, and the tokens that
// browsers' scripts can put nowhere else.
constexpr std::string_view kHiddenFields[] = {"sec-websocket-protocol", "x-forwarded-client-cert"};

constexpr std::string_view kUrlFields[] = {
    "content-location",
    "destination",
    "hx-current-url",
    "link",
    "location",
    "origin",
    "referer",
    "refresh",
    "x-envoy-original-path",
    "x-forwarded-uri",
    "x-forwarded-url",
    "x-original-uri",
    "x-original-url",
    "x-rewrite-url",
};

constexpr std::string_view kSchemes[] = {
    "apikey", "aws4-hmac-sha256", "basic",     "bearer", "digest",        "dpop",  "gnap",
    "hoba",   "mutual",           "negotiate", "ntlm",   "scram-sha-256", "token",
};

bool IsListed(std::string_view letters) {
  return std::find(std::begin(kNames), std::end(kNames), letters) != std::end(kNames) ||
         std::any_of(std::begin(kEndings), std::end(kEndings),
                     [&](std::string_view ending) { return letters.ends_with(ending); });
}

// "tokens", "token2" and "tokenv2" are as "token" is.
bool IsKnown(std::string_view letters) {
  std::string_view stem = letters;
  while (!stem.empty() && IsDigit(stem.back())) {
    stem.remove_suffix(1);
  }
  if (stem.size() < letters.size() && stem.ends_with('v')) {
    stem.remove_suffix(1);
  }
  return IsListed(stem) || (stem.ends_with('s') && IsListed(stem.substr(0, stem.size() - 1)));
}

bool IsLetterOrDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'z'); }
bool IsNotAscii(char c) { return static_cast<unsigned char>(c) >= 0x80; }

// What names are compared by; `all`: with the bytes of letters that are not ASCII.
std::string Letters(std::string_view name, bool all) {
  std::string out = Lowercase(name);
  std::erase_if(out, [&](char c) { return !IsLetterOrDigit(c) && !(all && IsNotAscii(c)); });
  return out;
}

// The letters of a parameter's name, decoded, and those of its last part so far.
class NameLetters {
 public:
  // False: it is too long.
  bool Add(char c) {
    if (size_ == letters_.size()) {
      return false;
    }
    letters_[size_++] = c;
    return true;
  }
  void EndPart() { part_ = size_; }
  std::string_view part() const { return {letters_.data() + part_, size_ - part_}; }
  std::string_view whole() const { return {letters_.data(), size_}; }

 private:
  std::array<char, 256> letters_;
  size_t size_ = 0;
  size_t part_ = 0;  // Where it begins.
};

constexpr size_t kLongName = 128;

// What is copied of a text with kHidden for some of its ranges.
class Shown {
 public:
  Shown(std::string_view text, std::string& room) : text_(text), room_(room) {}

  void Hide(size_t begin, size_t end) {
    if (copied_ == 0) {
      room_.clear();
    }
    room_.append(text_.substr(copied_, begin - copied_)).append(Secrets::kHidden);
    copied_ = end;
  }
  std::string_view Take() { return copied_ == 0 ? text_ : room_.append(text_.substr(copied_)); }

 private:
  const std::string_view text_;
  std::string& room_;
  size_t copied_ = 0;  // Of the text, into room.
};

}  // namespace

Secrets::~Secrets() {
  for (const Added* one = parameters_.load(std::memory_order_acquire); one != nullptr;) {
    delete std::exchange(one, one->next);
  }
}

void Secrets::HideHeader(std::string_view name) {
  headers_[Lowercase(name)].store(true, std::memory_order_relaxed);
}

bool Secrets::HideParameter(std::string_view name) {
  std::string letters = Letters(name, true);
  if (letters.empty()) {
    return false;
  }
  if (!IsKnown(letters) && !IsAdded(letters)) {
    const Added* const rest = parameters_.load(std::memory_order_relaxed);
    parameters_.store(new Added{std::move(letters), rest}, std::memory_order_release);
  }
  return true;
}

const std::atomic<bool>& Secrets::Header(std::string_view name) {
  const std::string lower = Lowercase(name);
  std::atomic<bool>& hidden = headers_[lower];
  const std::string_view stem = std::string_view(lower).substr(lower.starts_with("x-") ? 2 : 0);
  if (IsKnown(Letters(stem, false)) || std::find(std::begin(kHiddenFields), std::end(kHiddenFields),
                                                 lower) != std::end(kHiddenFields)) {
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
  NameLetters ascii;
  NameLetters all;  // With those that are not ASCII.
  const auto is_secret = [&] {
    return (!ascii.part().empty() && (IsKnown(ascii.part()) || IsAdded(ascii.part()))) ||
           (all.part().size() > ascii.part().size() && IsAdded(all.part()));
  };
  while (!name.empty()) {
    const UrlMark encoded = name.front() == '%' ? DecodeUrlCharacter(name) : UrlMark{};
    const char c = encoded.size > 0 ? ToLower(encoded.c) : ToLower(name.front());
    name.remove_prefix(std::max<size_t>(encoded.size, 1));
    if (IsLetterOrDigit(c) || IsNotAscii(c)) {
      const bool room = all.Add(c) && (IsNotAscii(c) || ascii.Add(c));
      if (!room || ascii.whole().size() > kLongName) {
        return true;  // Nobody knows what such a name stands for.
      }
    } else if (c == '[' || c == ']' || c == '.') {
      if (is_secret()) {
        return true;
      }
      ascii.EndPart();
      all.EndPart();
    }
  }
  return is_secret() || (ascii.part().size() < ascii.whole().size() &&
                         (IsKnown(ascii.whole()) || IsAdded(ascii.whole())));
}

std::string_view Secrets::WithoutParameters(std::string_view url, std::string& room) const {
  url = url.substr(0, kMaxBytes);
  // Most have nothing encoded and no user: then only what follows the first of these is looked at.
  const bool plain =
      url.find('@') == std::string_view::npos && url.find('%') == std::string_view::npos;
  const size_t begin = plain ? FirstParameter(url) : 0;
  return begin < url.size() ? Scan(url, begin, room) : url;
}

// A name begins after "?", "#", ";" and "&", but the last takes no path apart.
std::string_view Secrets::Scan(std::string_view url, size_t begin, std::string& room) const {
  Shown shown(url, room);
  bool in_path = true;
  size_t name = std::string_view::npos;
  size_t slashes = 0;  // Right before; "http:" counts as one.
  size_t at = begin;
  const auto hide_user = [&](size_t from, size_t depth) {
    const size_t user = EndOfUser(url.substr(from), depth, in_path);
    if (user != std::string_view::npos && user > 0) {
      shown.Hide(from, from + user);
      at = from + user;
    }
  };
  if (begin == 0 && !IsSlash(url.front())) {
    hide_user(0, 0);  // As CONNECT asks for hosts.
  }
  while (at < url.size()) {
    const UrlMark mark = UrlMarkAt(url.substr(at));
    at += std::max<size_t>(mark.size, 1);
    slashes = mark.c == ':' ? 1 : IsSlash(mark.c) ? slashes + 1 : 0;
    if (slashes >= 2) {
      hide_user(at, mark.depth);
    } else if (mark.c == '?' || mark.c == '#') {
      in_path = in_path && mark.depth > 0;
      name = at;
    } else if (mark.c == ';' || (mark.c == '&' && name != std::string_view::npos)) {
      name = at;
    } else if (mark.c == '=' && name != std::string_view::npos) {
      const bool secret = IsSecret(url.substr(name, at - mark.size - name));
      const size_t end = secret ? EndOfValue(url, at, mark.depth, in_path) : at;
      if (end > at) {
        shown.Hide(at, end);
      }
      name = at = end;
    }
  }
  return shown.Take();
}

}  // namespace gatehouse::observe

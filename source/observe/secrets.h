// SPDX-License-Identifier: Apache-2.0
// Which header fields and query parameters hold secrets, and how logs show them: "Bearer ***",
// "/cb?token=***&page=2".
//
// Names are compared by their letters and digits: "api_key", "apiKey" and "API-Key" are one, and so
// is "user[api_key]". Letters beyond ASCII count by their bytes, in names that were added. What
// ends in "token", "password", "secret" or "signature" is hidden whatever stands before it: a log
// that shows too little is mended sooner than one that showed too much.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace gatehouse::observe {

// Grows only: a name that was hidden once stays so.
class Secrets {
 public:
  static constexpr std::string_view kHidden = "***";
  // Longer texts are cut before they are looked at.
  static constexpr size_t kMaxBytes = 4096;

  Secrets() = default;
  ~Secrets();
  Secrets(const Secrets&) = delete;
  Secrets& operator=(const Secrets&) = delete;

  // Hides further names, besides those that are known to hold secrets. One thread, while any others
  // read.
  void HideHeader(std::string_view name);
  // False: there is nothing in the name that it could be known by.
  bool HideParameter(std::string_view name);

  // Whether fields of this name are hidden; HideHeader() may yet turn it on. It lives as long as
  // this object. The thread that hides.
  const std::atomic<bool>& Header(std::string_view name);

  // Whether the values of a field are URLs, whose parameters are hidden.
  static bool HoldsUrl(std::string_view header);
  // Of a hidden field. The name of a well-known authentication scheme is left: a view of `room`.
  static std::string_view HiddenValue(std::string_view value, std::string& room);
  // A request's target or path, or a URL, with kHidden for the values of secret parameters, also
  // of paths ("/a;token=b"), and for who stands before a host: `url` itself when it has none, else
  // a view of `room`. They are found at any depth of percent-encoding, also in URLs that are
  // parameters themselves.
  std::string_view WithoutParameters(std::string_view url, std::string& room) const;

 private:
  // What was added, newest first; never taken out, so readers need no lock.
  struct Added {
    std::string name;
    const Added* next;
  };

  bool IsSecret(std::string_view name) const;
  bool IsAdded(std::string_view letters) const;
  std::string_view Scan(std::string_view url, size_t begin, std::string& room) const;

  std::map<std::string, std::atomic<bool>, std::less<>> headers_;  // In lower case.
  std::atomic<const Added*> parameters_{nullptr};
};

}  // namespace gatehouse::observe

// SPDX-License-Identifier: Apache-2.0
// Who may ask the admin endpoint for what.
//
//   admin: {address: 127.0.0.1:9901, tokens: {read: [...], write: [...]}}
//
// Without tokens everybody who reaches the address may do everything: loading sees to it that such
// an address is a loopback one. A browser reaches loopback addresses for any page it shows, so
// mutations also check whom the request was meant for (Host: a page whose name was rebound to
// 127.0.0.1 names itself) and who sent it (Origin: a page of another site).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/config/values.h"
#include "source/http/message/head.h"

namespace gatehouse::admin {

// What stands against a request.
struct Refusal {
  uint16_t status = 403;
  std::string_view error;  // The stable word of the answer.
  std::string_view message;
};

// Control thread.
class Access {
 public:
  Access() = default;
  // `address` is where the endpoint listens. Empty tokens, as an unset variable leaves them, don't
  // count.
  Access(config::Address address, std::vector<std::string> read_tokens,
         std::vector<std::string> write_tokens);

  // Nothing: go on. `mutation`: the request changes something.
  std::optional<Refusal> Check(const http::RequestHead& head, bool mutation) const;

 private:
  std::optional<Refusal> CheckToken(const http::RequestHead& head, bool mutation) const;
  bool HostIsOurs(const http::RequestHead& head) const;

  config::Address address_;
  std::vector<std::string> read_tokens_;
  std::vector<std::string> write_tokens_;
};

// Whether both are the same, in a time that depends on their lengths only.
bool EqualInConstantTime(std::string_view a, std::string_view b);

}  // namespace gatehouse::admin

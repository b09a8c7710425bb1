// SPDX-License-Identifier: Apache-2.0
// A request to match in tests, as codecs and path normalisation leave it.
#pragma once

#include <string_view>

#include "source/base/arena.h"
#include "source/base/ip.h"
#include "source/http/message/head.h"
#include "source/route/route.h"

namespace gatehouse::route {

class Request {
 public:
  // `target`: "/path?query". `host` in lower case, perhaps with a port.
  explicit Request(std::string_view target, std::string_view host = "api.example.com")
      : head_(arena_) {
    head_.method_name = "GET";
    head_.scheme = "http";
    head_.authority = Keep(host);
    head_.host = head_.authority.substr(0, head_.authority.find(':'));
    head_.target = Keep(target);
    const size_t mark = head_.target.find('?');
    head_.path = head_.target.substr(0, mark);
    head_.query = mark == std::string_view::npos ? "" : head_.target.substr(mark + 1);
  }

  Request& Method(std::string_view name) {
    head_.method_name = Keep(name);
    head_.method = http::ParseMethod(head_.method_name);
    return *this;
  }
  Request& Scheme(std::string_view scheme) {
    head_.scheme = Keep(scheme);
    return *this;
  }
  Request& Header(std::string_view name, std::string_view value) {
    head_.headers.Add(Keep(name), Keep(value));
    return *this;
  }
  Request& Client(std::string_view address) {
    client_ = *ParseIp(address);
    return *this;
  }
  Request& Listener(uint32_t listener) {
    listener_ = listener;
    return *this;
  }

  RequestFacts Facts() const { return {head_, listener_, client_}; }
  http::RequestHead& head() { return head_; }
  Arena& arena() { return arena_; }

 private:
  std::string_view Keep(std::string_view text) { return arena_.Copy(text); }

  ArenaPool pool_;
  Arena arena_{pool_};
  http::RequestHead head_;
  uint32_t listener_ = 0;
  IpAddress client_ = *ParseIp("192.0.2.1");
};

}  // namespace gatehouse::route

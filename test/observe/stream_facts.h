// SPDX-License-Identifier: Apache-2.0
// A finished stream for tests of log formats.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "source/base/text.h"
#include "source/observe/stream_info.h"

namespace gatehouse::observe {

struct StreamFacts final : HeaderSource {
  StreamFacts() {
    info.start = WallTime(std::chrono::milliseconds(1772352930125));
    info.duration = std::chrono::microseconds(12345);
    info.upstream_duration = std::chrono::microseconds(11000);
    info.method = "GET";
    info.target = "/users/7?debug=1";
    info.path = "/users/7";
    info.host = "api.example.com";
    info.scheme = "http";
    info.protocol = "HTTP/1.1";
    info.peer = info.client = *ParseIp("192.0.2.7");
    info.peer_port = 40000;
    info.listener = "web";
    info.route = "users";
    info.cluster = "users";
    info.endpoint = "10.0.0.3:9002";
    info.attempts = 1;
    info.upstream_status = 200;
    info.status = 200;
    info.request_bytes = 0;
    info.response_bytes = 1234;
    info.complete = true;
    info.headers = this;
  }

  std::string_view RequestHeader(std::string_view name) const override {
    return Find(request, name);
  }
  std::string_view ResponseHeader(std::string_view name) const override {
    return Find(response, name);
  }

  StreamInfo info;
  std::map<std::string, std::string, std::less<>> request{{"user-agent", "curl/8.5"}};
  std::map<std::string, std::string, std::less<>> response;

 private:
  using Fields = std::map<std::string, std::string, std::less<>>;
  static std::string_view Find(const Fields& fields, std::string_view name) {
    const auto at = fields.find(Lowercase(name));
    return at == fields.end() ? std::string_view() : std::string_view(at->second);
  }
};

}  // namespace gatehouse::observe

// SPDX-License-Identifier: Apache-2.0
// A terminal that answers in this process: admin, and later the registry.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/http/message/head.h"
#include "source/observe/stream_info.h"

namespace gatehouse::proxy {

// A request with its whole content (at most kMaxHandlerBody; more is answered 413 before this).
inline constexpr size_t kMaxHandlerBody = 8u << 20;

struct HandlerRequest {
  const http::RequestHead& head;  // Valid during Handle() only.
  std::string_view body;          // Likewise.
  const observe::StreamInfo& info;
};

struct HandlerResponse {
  uint16_t status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

// The answer still owed. Loop thread only; may be kept and sent later. Sending for a stream that is
// gone does nothing; dropping it unsent answers 500.
class HandlerReply {
 public:
  virtual ~HandlerReply() = default;
  virtual void Send(HandlerResponse response) = 0;
};

class Handler {
 public:
  virtual void Handle(const HandlerRequest& request, std::shared_ptr<HandlerReply> reply) = 0;

 protected:
  ~Handler() = default;
};

}  // namespace gatehouse::proxy

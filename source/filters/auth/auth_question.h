// SPDX-License-Identifier: Apache-2.0
// What an authentication service is told of a request.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "source/base/clock.h"
#include "source/http/message/head.h"
#include "source/observe/stream_info.h"
#include "source/pipeline/cluster_use.h"
#include "source/pipeline/services.h"

namespace gatehouse::filters {

// Immutable; any thread.
struct AuthQuestion {
  pipeline::FetchTarget target;
  std::string method = "GET";
  Duration timeout{};
  uint64_t max_response_bytes = 0;
  // Fields of the client that go along, in lower case.
  std::vector<std::string> fields;
  // All other fields that speak of more than the connection, the content or the resource's state go
  // along too, except these.
  bool all_fields = false;
  std::vector<std::string> held_back;

  // `head` is the request as it will be forwarded, so the answer is about that.
  pipeline::FetchRequest About(const http::RequestHead& head,
                               const observe::StreamInfo& info) const;
  // Whether the gateway itself says what a field of that name has to say.
  static bool IsOwn(std::string_view name);
};

}  // namespace gatehouse::filters

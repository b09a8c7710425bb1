// SPDX-License-Identifier: Apache-2.0
// What is known of one stream when it ends: what log formats, counters and filters read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/base/clock.h"
#include "source/base/error.h"
#include "source/base/ip.h"
#include "source/observe/identity.h"
#include "source/observe/tls_facts.h"

namespace gatehouse::observe {

// Looks header fields up by name (any case), for formats that name them.
class HeaderSource {
 public:
  virtual std::string_view RequestHeader(std::string_view name) const = 0;
  virtual std::string_view ResponseHeader(std::string_view name) const = 0;

 protected:
  ~HeaderSource() = default;
};

// What a filter made of the stream, as the log tells it. The first stands first.
struct FilterVerdict {
  std::string_view filter;   // Its name in the configuration.
  std::string_view verdict;  // A word or a short phrase: "allowed", "denied by bots.txt".
  const FilterVerdict* next = nullptr;
};

// Where the caller stands with a rate limit: of several, the one with the least left.
struct LimitState {
  std::string_view filter;  // Empty: no limit has been asked.
  uint64_t limit = 0;       // Requests, or their cost, that may come at once.
  uint64_t remaining = 0;
  Duration reset{};  // Until all of `limit` may come again.
};

// Views live as long as the stream. Empty or zero: not known, or it never came to that.
struct StreamInfo {
  WallTime start{};  // First byte of the request.
  MonotonicTime started{};
  Duration duration{};           // To the last byte handed to the kernel; set when it ends.
  Duration upstream_duration{};  // From the first attempt to the end of its response.
  // The stages, in order. Only the second is there for requests that the gateway answers itself.
  Duration request_duration{};   // To the last byte of the request.
  Duration filters_duration{};   // From the first byte until the filters had let it pass.
  Duration connect_duration{};   // Waiting for a connection to an endpoint; 0: one was free.
  Duration response_wait{};      // From then to the head of the response.
  Duration response_duration{};  // From there to its last byte from the endpoint.

  std::string_view method;
  std::string_view target;  // As received, query included.
  std::string_view path;    // As matched.
  std::string_view host;
  std::string_view scheme;
  std::string_view protocol;      // "HTTP/1.1", "HTTP/2"
  const TlsFacts* tls = nullptr;  // Of the connection; null in the clear.
  IpAddress peer;                 // Of the connection (or PROXY protocol).
  uint16_t peer_port = 0;
  IpAddress client;  // The peer, or whom a trusted proxy names.
  bool client_is_peer = true;

  const Identity* identity = nullptr;  // Null: nobody has been authenticated.
  // Of filters that tell theirs, when a filter of the chain wants them (reads_verdicts).
  const FilterVerdict* verdicts = nullptr;
  std::string_view answered_by;  // The filter that answered instead of the upstream.
  LimitState limit;

  std::string_view listener;
  std::string_view route;
  // The labels that the route asks for whatever becomes of the request; null: it forwards nothing.
  const std::vector<std::pair<std::string, std::string>>* labels = nullptr;
  std::string_view cluster;
  std::string_view breaker;   // State of the cluster's, when it was asked: "closed", "half_open" …
  std::string_view fallback;  // Why a fallback answered: "circuit_open".
  std::string_view endpoint;  // "10.0.0.3:9002"
  uint32_t attempts = 0;
  uint16_t upstream_status = 0;

  uint16_t status = 0;         // Sent to the client; 0 when none was.
  uint64_t request_bytes = 0;  // Content only.
  uint64_t response_bytes = 0;
  bool complete = false;  // The whole response left.
  ErrorCode error = ErrorCode::kNone;
  std::string_view error_detail;  // For operators only.
  std::string_view request_id;
  const HeaderSource* headers = nullptr;
};

}  // namespace gatehouse::observe

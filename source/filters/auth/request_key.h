// SPDX-License-Identifier: Apache-2.0
// Parts of requests that tell them apart, and keys made of them: requests with the same key get the
// same verdict.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "source/base/arena.h"
#include "source/config/object.h"
#include "source/http/message/head.h"
#include "source/observe/stream_info.h"

namespace gatehouse::filters {

// A header field, a cookie or a query parameter: "authorization", "cookie:session", "query:token".
struct RequestPart {
  enum class Place : uint8_t { kHeader, kCookie, kQuery };
  Place place = Place::kHeader;
  std::string name;  // Of headers: in lower case.

  // An error at `value`, and an empty name, when it is no such part.
  static RequestPart Load(const config::Value& value);

  // Appends all its values, so that no other values look the same. False: there are none.
  bool Append(const http::RequestHead& head, Arena& arena, std::string& out) const;
  bool IsIn(const http::RequestHead& head, Arena& arena) const;
  // Whether requests that differ in `other` differ in this part too.
  bool Covers(const RequestPart& other) const;
  std::string ToText() const;

  friend bool operator==(const RequestPart&, const RequestPart&) = default;
};

// The list at `key`, without those that have mistakes; `defaults` when it is absent.
std::vector<RequestPart> LoadRequestParts(config::Object& in, std::string_view key,
                                          const config::About& about,
                                          std::vector<RequestPart> defaults);

// What of a request belongs to its key besides such parts.
enum class RequestTrait : uint8_t {
  kMethod,
  kHost,  // The scheme too.
  kPath,
  kQuery,
  kClient,  // Its address.
};

class RequestKey {
 public:
  RequestKey() = default;
  RequestKey(std::vector<RequestPart> parts, std::vector<RequestTrait> traits)
      : parts_(std::move(parts)), traits_(std::move(traits)) {}

  // Replaces `out`. False: the request has none of the parts, and so nothing that is its own.
  bool Make(const http::RequestHead& head, const observe::StreamInfo& info, Arena& arena,
            std::string& out) const;
  const std::vector<RequestPart>& parts() const { return parts_; }

 private:
  std::vector<RequestPart> parts_;
  std::vector<RequestTrait> traits_;
};

}  // namespace gatehouse::filters

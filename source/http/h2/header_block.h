// SPDX-License-Identifier: Apache-2.0
// Header blocks on their way in: what HPACK decodes, pair by pair, becomes a head or trailers
// (RFC 9113 sections 8.1 to 8.3, RFC 8441), under the same rules as HTTP/1's.
//
// These rules are complete: nghttp2 is to leave messages alone
// (nghttp2_option_set_no_http_messaging) since it drops some bad fields without a word. A
// connection has at most one header block under way, so that one object of each kind does for all
// its streams.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "source/http/codec.h"
#include "source/http/h2/field_section.h"
#include "source/http/message/head.h"
#include "source/http/message/syntax.h"

namespace gatehouse::http {

// A request's head, server side.
class RequestBlock {
 public:
  explicit RequestBlock(const CodecLimits& limits) : limits_(limits), fields_(limits) {}

  // `head` is empty and lives in the stream's arena.
  void Begin(RequestHead& head);
  // One decoded pair, in order, pseudo-header fields included. The bytes are copied.
  // `never_indexed`: NGHTTP2_NV_FLAG_NO_INDEX of nghttp2's on_header callback.
  void Add(std::string_view name, std::string_view value, bool never_indexed);
  // The block is whole; `end`: END_STREAM. Sets all of the head. On a fault the head holds what
  // could be read (for OnRefused()): kMalformedRequest (answer, if at all, then RST_STREAM with
  // PROTOCOL_ERROR), or another code that deserves an answer.
  //
  // Extended CONNECT for "websocket" becomes GET with head.upgrade (limits.websocket, else it is
  // malformed); without END_STREAM by its nature.
  Fault Finish(bool end);
  // See FieldSection.
  bool is_excessive() const { return fields_.is_excessive(); }

 private:
  enum Pseudo : uint8_t { kMethod, kScheme, kAuthority, kPath, kProtocol, kPseudos };

  void AddPseudo(std::string_view name, std::string_view value);
  void AddHost();
  void CompareHost(std::string_view value);
  // Sets what there is of it, for a request that is refused.
  void FillFromPseudo();
  Fault CheckPseudo(bool end);
  Fault CheckPath();
  Fault TakeWebSocket(bool end);
  Fault SetFraming(bool end);
  bool has(Pseudo pseudo) const { return (seen_ & (1U << pseudo)) != 0; }

  const CodecLimits& limits_;
  FieldSection fields_;
  RequestHead* head_ = nullptr;
  std::array<std::string_view, kPseudos> values_;  // In the arena.
  uint8_t seen_ = 0;                               // One bit for each.
  bool has_host_ = false;                          // Of :authority, among the fields.
  bool host_came_ = false;                         // Beside :authority.
};

// A response's head, client side: final or informational.
class ResponseBlock {
 public:
  explicit ResponseBlock(const CodecLimits& limits) : fields_(limits) {}

  // The answer to a `method` request; `upgrade`: RequestHead::upgrade was set, and it went out as
  // extended CONNECT: then 2xx becomes 101.
  void Begin(ResponseHead& head, Method method, bool upgrade);
  void Add(std::string_view name, std::string_view value, bool never_indexed);
  // Faults are kMalformedResponse. Framing is kLength, or kChunked where no length is told (kNone
  // with `end`, and where there can't be content).
  Fault Finish(bool end);
  bool is_excessive() const { return fields_.is_excessive(); }

 private:
  FieldSection fields_;
  ResponseHead* head_ = nullptr;
  Method method_ = Method::kGet;
  bool upgrade_ = false;
  bool has_status_ = false;
};

// Trailers, either side. What must not come there is left out, as in HTTP/1 (RFC 9110
// section 6.5.1).
class TrailerBlock {
 public:
  explicit TrailerBlock(const CodecLimits& limits) : fields_(limits) {}

  void Begin(Headers& trailers, FieldOrigin origin);
  void Add(std::string_view name, std::string_view value, bool never_indexed);
  // kHeadersTooLarge, kMalformedRequest or kMalformedResponse. A block without END_STREAM (`end`)
  // is malformed.
  Fault Finish(bool end);
  bool is_excessive() const { return fields_.is_excessive(); }

 private:
  FieldSection fields_;
  Headers* trailers_ = nullptr;
};

}  // namespace gatehouse::http

// SPDX-License-Identifier: Apache-2.0
// Header blocks on their way in: what HPACK decodes, pair by pair, becomes a head or trailers
// (RFC 9113 sections 8.1 to 8.3, RFC 8441), under the same rules as HTTP/1's.
//
// These rules are complete: nghttp2 is to leave messages alone
// (nghttp2_option_set_no_http_messaging) since it drops some bad fields without a word. A
// connection has at most one header block under way, so that one object of each kind does for all
// its streams.
//
// Fields are written into the stream's arena as lines of HTTP/1, one behind the other, which leave
// in one piece where the other side speaks that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "source/http/codec.h"
#include "source/http/message/field_rules.h"
#include "source/http/message/head.h"
#include "source/http/message/syntax.h"

namespace gatehouse::http {

// What all header blocks have in common: the fields behind the pseudo-header fields. The first
// fault counts; what comes behind it is only counted.
class FieldSection {
 public:
  // `limits` outlives this.
  explicit FieldSection(const CodecLimits& limits) : limits_(limits) {}

  void Begin(Headers& headers, FieldOrigin origin);
  // A field that is no pseudo-header field. Copies.
  void Add(std::string_view name, std::string_view value, bool never_indexed);
  // Counts a pair against max_header_bytes, as RFC 9113 section 6.5.2 does: both lengths and 32.
  // False when it is one too many, or the block has failed before.
  bool Count(std::string_view name, std::string_view value);
  // Joins what came of Cookie (RFC 9113 section 8.2.3); returns the first fault.
  Fault Finish();

  void Fail(ErrorCode code, const char* reason);
  // With the code for malformed messages of this origin.
  void FailMalformed(const char* reason);
  bool failed() const { return static_cast<bool>(fault_); }
  bool has_fields() const { return has_fields_; }
  // Far more than the limits allow: the connection is to end (ENHANCE_YOUR_CALM), since reading on
  // only to keep the compression in step costs more than it is worth (HPACK bombs).
  bool is_excessive() const;
  Arena& arena() const { return headers_->arena(); }
  // `text` in the stream's arena.
  std::string_view Copy(std::string_view text);

 private:
  char* Room(size_t bytes);
  void AddCrumb(std::string_view value, bool never_indexed);

  const CodecLimits& limits_;
  Headers* headers_ = nullptr;
  Fault fault_;
  uint64_t bytes_ = 0;   // As counted.
  uint32_t fields_ = 0;  // Cookie's crumbs are one.
  FieldOrigin origin_ = FieldOrigin::kRequest;
  bool has_fields_ = false;
  // Where the next line goes; in the arena.
  char* room_ = nullptr;
  size_t room_left_ = 0;
  // Crumbs of Cookie: lines "crumb; " in the arena, linked.
  struct Crumb {
    Crumb* next;
    std::string_view value;
  };
  Crumb* first_crumb_ = nullptr;
  Crumb* last_crumb_ = nullptr;
  size_t crumb_bytes_ = 0;
  uint32_t crumbs_ = 0;
  bool crumb_never_indexed_ = false;
};

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
  void AddPseudo(std::string_view name, std::string_view value);
  Fault FinishConnect();
  Fault FinishWebSocket();

  const CodecLimits& limits_;
  FieldSection fields_;
  RequestHead* head_ = nullptr;
  std::string_view method_, scheme_, authority_, path_, protocol_;  // In the arena.
  uint8_t seen_ = 0;  // One bit for each pseudo-header field.
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

// SPDX-License-Identifier: Apache-2.0
// The fields of a header block behind its pseudo-header fields, on their way in (RFC 9113 section
// 8.2), under the same rules as HTTP/1's.
//
// They are written into the stream's arena as lines of HTTP/1, one behind the other, which leave in
// one piece where the other side speaks that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "source/http/codec.h"
#include "source/http/message/field_rules.h"
#include "source/http/message/headers.h"
#include "source/http/message/syntax.h"

namespace gatehouse::http {

// The first fault counts; what comes behind it is only counted.
class FieldSection {
 public:
  // `limits` outlives this.
  explicit FieldSection(const CodecLimits& limits) : limits_(limits) {}

  void Begin(Headers& headers, FieldOrigin origin);
  // A field that is no pseudo-header field. Copies.
  void Add(std::string_view name, std::string_view value, bool never_indexed);
  // A field that needs no check and counts for nothing.
  void AddOwn(Known known, std::string_view value);
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
  // One piece of Cookie, in the arena.
  struct Crumb {
    Crumb* next;
    std::string_view value;
  };

  void AddLine(Known known, std::string_view name, std::string_view value, bool never_indexed);
  char* Room(size_t bytes);
  void AddCrumb(std::string_view value, bool never_indexed);
  void JoinCrumbs();

  const CodecLimits& limits_;
  Headers* headers_ = nullptr;
  Fault fault_;
  uint64_t bytes_ = 0;   // As counted.
  uint32_t fields_ = 0;  // Cookie's crumbs are one.
  FieldOrigin origin_ = FieldOrigin::kRequest;
  bool has_fields_ = false;
  char* room_ = nullptr;  // Where the next line goes; in the arena.
  size_t room_left_ = 0;
  Crumb* first_crumb_ = nullptr;
  Crumb* last_crumb_ = nullptr;
  uint32_t crumbs_ = 0;
  bool crumb_never_indexed_ = false;
};

}  // namespace gatehouse::http

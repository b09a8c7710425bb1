// SPDX-License-Identifier: Apache-2.0
// Any fields of HTTP/2: what a request or response of them is forwarded as in HTTP/1, read again,
// is the same message and no other; and what that becomes in HTTP/2 is, too.
//
// Input: the first byte's lowest bit says request or response; then names and values, each behind
// its length in one byte.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/base/check.h"
#include "source/http/h1/head_scanner.h"
#include "source/http/h1/head_writer.h"
#include "source/http/h1/request_parser.h"
#include "source/http/h1/response_parser.h"
#include "source/http/h2/field_list.h"
#include "source/http/h2/header_block.h"
#include "test/http/h1/string_sink.h"

namespace gatehouse::http {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

std::string_view TakeText(std::string_view& in) {
  if (in.empty()) {
    return {};
  }
  const size_t size = std::min<size_t>(static_cast<uint8_t>(in.front()), in.size() - 1);
  const std::string_view text = in.substr(1, size);
  in.remove_prefix(1 + size);
  return text;
}

Pairs ReadPairs(std::string_view in) {
  Pairs pairs;
  while (!in.empty()) {
    const std::string_view name = TakeText(in);
    pairs.emplace_back(name, TakeText(in));
  }
  return pairs;
}

Pairs ToPairs(FieldList::Pairs list) {
  Pairs pairs;
  for (const nghttp2_nv& pair : list) {
    pairs.emplace_back(std::string(reinterpret_cast<const char*>(pair.name), pair.namelen),
                       std::string(reinterpret_cast<const char*>(pair.value), pair.valuelen));
  }
  return pairs;
}

// Fields as either version forwards them: without Host, which may change its place, and TE, which
// belongs to a connection of HTTP/1.
Pairs FieldsOf(const Headers& headers) {
  Pairs pairs;
  headers.ForEach([&](const Field& field) {
    const bool own = field.known == Known::kHost || field.known == Known::kContentLength ||
                     field.known == Known::kTransferEncoding || IsHopByHop(field.known);
    if (!own) {
      pairs.emplace_back(field.name, field.value);
    }
  });
  return pairs;
}

void CheckOneHead(std::string_view bytes) {
  const HeadScan scan = ScanHead(bytes, 0);
  GATEHOUSE_CHECK(scan.outcome == HeadScan::Outcome::kWhole && scan.at == bytes.size(),
                  "more than one head was written, or less");
}

void CheckSame(const RequestHead& a, const RequestHead& b) {
  GATEHOUSE_CHECK(a.method_name == b.method_name && a.target == b.target &&
                      a.authority == b.authority && a.host == b.host && a.framing == b.framing &&
                      a.content_length == b.content_length &&
                      FieldsOf(a.headers) == FieldsOf(b.headers),
                  "translation changes a request");
}

void CheckRequest(const Pairs& pairs, bool end) {
  CodecLimits limits;
  limits.websocket = true;
  ArenaPool pool;
  Arena arena(pool);
  RequestHead head(arena);
  RequestBlock block(limits);
  block.Begin(head);
  for (const auto& [name, value] : pairs) {
    block.Add(name, value, false);
  }
  if (block.Finish(end) || !head.upgrade.empty()) {
    return;
  }
  StringSink sink;
  WriteRequestHead(head, {head.framing, head.content_length}, sink);
  const std::string bytes = sink.Take();
  CheckOneHead(bytes);
  RequestHead down(arena);
  CodecLimits more = limits;
  more.max_headers += 2;  // Host and the framing.
  GATEHOUSE_CHECK(!ParseRequestHead(bytes, more, down), "what was written can't be read");
  CheckSame(head, down);
  RequestHead up(arena);
  block.Begin(up);
  for (const auto& [name, value] : ToPairs(FieldList().Request(down, "http"))) {
    block.Add(name, value, false);
  }
  GATEHOUSE_CHECK(!block.Finish(end), "what was made of HTTP/1 can't be read in HTTP/2");
  CheckSame(down, up);
}

void CheckResponse(const Pairs& pairs, bool end) {
  CodecLimits limits;
  ArenaPool pool;
  Arena arena(pool);
  ResponseHead head(arena);
  ResponseBlock block(limits);
  block.Begin(head, Method::kGet, false);
  for (const auto& [name, value] : pairs) {
    block.Add(name, value, false);
  }
  if (block.Finish(end) || head.status < 200) {
    return;
  }
  const RequestHead request(arena);
  const FramingField framing = FramingOf(head, request, end);
  StringSink sink;
  WriteResponseHead(head, framing, ConnectionField::kNone, sink);
  const std::string bytes = sink.Take();
  CheckOneHead(bytes);
  limits.max_headers += 2;
  ResponseHead down(arena);
  GATEHOUSE_CHECK(!ParseResponseHead(bytes, Method::kGet, limits, down),
                  "what was written can't be read");
  GATEHOUSE_CHECK(head.status == down.status && FieldsOf(head.headers) == FieldsOf(down.headers),
                  "translation changes a response");
  GATEHOUSE_CHECK(down.framing == framing.framing && down.content_length == framing.content_length,
                  "translation changes a response's framing");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  const Pairs pairs = ReadPairs(in.substr(1));
  const bool end = (in.front() & 2) != 0;
  if ((in.front() & 1) == 0) {
    CheckRequest(pairs, end);
  } else {
    CheckResponse(pairs, end);
  }
  return 0;
}

}  // namespace gatehouse::http

// SPDX-License-Identifier: Apache-2.0
// One filter under test: its YAML is loaded as the gateway would, and streams go through it one
// after another, without sockets and with a clock that stands still.
//
//   FilterHarness h(filters::MaxBody(), "max_bytes: 4B");
//   h.Request("POST", "/", {{"transfer-encoding", "chunked"}});
//   h.Body("12345");
//   EXPECT_EQ(h.reply().status, 413);
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/base/clock.h"
#include "source/observe/stream_info.h"
#include "source/pipeline/catalog.h"
#include "source/pipeline/filter_table.h"
#include "source/pipeline/harness_services.h"
#include "source/pipeline/services.h"

namespace gatehouse::pipeline {

using HarnessFields = std::vector<std::pair<std::string, std::string>>;

struct HarnessOptions {
  // In the configuration; empty: the type's. With another name the YAML says which `type` it is.
  std::string name{};
  uint32_t workers = 1;
  bool activate = true;
  std::string state_dir{};  // LoadContext::state_dir
};

// How a filter answered, with Reply() or ReplyError(). Status 0: it did not.
struct HarnessReply {
  uint16_t status = 0;
  std::string body;
  std::string content_type;
  HarnessFields headers;
  ErrorCode error = ErrorCode::kNone;  // Of ReplyError() or SetRefusal().
  std::string detail;
};

// Drives a filter with the calls that proxy/ would make. Not thread-safe.
class FilterHarness {
 public:
  // `yaml` is the definition's mapping. With mistakes in it, streams pass an empty filter.
  FilterHarness(const FilterType& type, std::string_view yaml, HarnessOptions options = {});
  ~FilterHarness();  // Ends the stream.
  FilterHarness(const FilterHarness&) = delete;
  FilterHarness& operator=(const FilterHarness&) = delete;

  // --- Configuration -----------------------------------------------------------------------------
  // What loading had to say, one line each, as users see it; "" when all is well.
  std::string diagnostics() const;
  FilterDefinition& definition() const;
  // Loads another text as a reload does; true when the definition was kept, state included.
  bool Reload(std::string_view yaml);
  // Streams from now on pass the definition as a route changes it: {use: NAME, ...yaml}.
  void Override(std::string_view yaml);

  // --- Who is asking: takes effect with the next Request()
  // ------------------------------------------ A new connection from `peer`; `client` is named by a
  // trusted proxy.
  void ConnectFrom(std::string_view peer);
  void ConnectThrough(std::string_view peer, std::string_view client);
  void OnWorker(uint32_t worker);
  // What else a filter is told: listener, route, protocol … Views must outlive the harness.
  observe::StreamInfo& facts();

  // --- One stream: each call goes as far as the filter lets it
  // --------------------------------------- Begins one, on the same connection as the last, which
  // ends. Content follows when the fields say so: content-length or transfer-encoding.
  void Request(std::string_view method, std::string_view target, const HarnessFields& fields = {});
  void Get(std::string_view target = "/", const HarnessFields& fields = {}) {
    Request("GET", target, fields);
  }
  void Body(std::string_view chunk);
  void EndBody(std::string_view chunk = {});
  void Trailers(const HarnessFields& fields);
  void Response(uint16_t status = 200, const HarnessFields& fields = {});
  void ResponseBody(std::string_view chunk);
  void EndResponse(std::string_view chunk = {});
  void ResponseTrailers(const HarnessFields& fields);
  // The stream is over. facts() as they are now, with status and bytes filled in.
  void End(ErrorCode error = ErrorCode::kNone);

  // --- What came of it
  // -------------------------------------------------------------------------------
  bool forwarded() const;  // The request's head got past the filter.
  bool responded() const;  // The response's head did.
  bool paused() const;
  bool collecting() const;
  const std::string& request_body() const;  // What got past the filter.
  const std::string& response_body() const;
  bool request_ended() const;
  bool response_ended() const;
  const HarnessReply& reply() const;
  // A field as it left the filter; nothing when it is absent. Several are joined with ", ".
  std::optional<std::string> RequestField(std::string_view name) const;
  std::optional<std::string> ResponseField(std::string_view name) const;
  http::RequestHead& request();
  Stream& stream();
  // gatehouse_filter_TYPE_WHAT_total{filter="NAME"}.
  int64_t Counter(std::string_view what) const;
  observe::Metrics& metrics();

  // --- Services
  // ---------------------------------------------------------------------------------------- All
  // fetches so far. Answering takes the oldest that is neither answered nor cancelled; false when
  // there is none.
  const std::vector<FetchRequest>& fetches() const;
  bool AnswerFetch(Result<FetchResponse> response);
  // The same for Redis scripts.
  const std::vector<HarnessServices::ScriptCall>& scripts() const;
  bool AnswerScript(Result<RedisValue> value);
  // Moves the clock and fires the timers that are due.
  void Advance(Duration duration);
  // What the definition does beside streams, as when its configuration is first served. Services
  // are the same. Ends with the harness, or with the next call.
  void StartUpkeep();
  // A file has changed; false when nobody watches it.
  bool FileChanged(const std::string& path);
  // Runs background work that waits. True when there was any.
  bool RunBackground();
  // The worker's next turn: a Resume() takes effect. The calls above do it too.
  void Turn();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace gatehouse::pipeline

// SPDX-License-Identifier: Apache-2.0
// The filter contract: one class per filter, one .cc file, no header.
//
// A definition is made once, when the configuration is loaded; a filter once per stream, in the
// stream's arena. Requests pass the chain in order, responses in reverse. docs/adding_a_filter.md
// goes through a whole one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "source/pipeline/cluster_use.h"
#include "source/pipeline/stream.h"

namespace gatehouse::pipeline {

// One step of the pipeline, for one stream. Destroyed with the stream's arena. `chunk` is a view
// of the content that passes; a filter may point it at other bytes, which must stay valid until the
// next call for the same direction.
class Filter {
 public:
  virtual Action OnRequestHeaders(http::RequestHead&, Stream&) { return Action::kContinue; }
  virtual Action OnRequestBody(std::string_view& /*chunk*/, bool /*end*/, Stream&) {
    return Action::kContinue;
  }
  virtual Action OnRequestTrailers(http::Headers&, Stream&) { return Action::kContinue; }
  // May still Reply(): the upstream's response is then dropped.
  virtual Action OnResponseHeaders(http::ResponseHead&, Stream&) { return Action::kContinue; }
  virtual Action OnResponseBody(std::string_view& /*chunk*/, bool /*end*/, Stream&) {
    return Action::kContinue;
  }
  virtual Action OnResponseTrailers(http::Headers&, Stream&) { return Action::kContinue; }
  // Always and exactly once, whatever happened, for every filter of the chain.
  virtual void OnStreamEnd(const observe::StreamInfo&, Stream&) noexcept {}

 protected:
  ~Filter() = default;
};

// Which phases a filter overrides. The chain skips the others without a call; a chain whose filters
// look at no body lets bodies pass untouched.
struct Phases {
  bool request_headers = false;
  bool request_body = false;
  bool request_trailers = false;
  bool response_headers = false;
  bool response_body = false;
  bool response_trailers = false;
  bool stream_end = false;

  template <typename F>
  static constexpr Phases Of() {
    return {
        .request_headers =
            !std::is_same_v<decltype(&F::OnRequestHeaders), decltype(&Filter::OnRequestHeaders)>,
        .request_body =
            !std::is_same_v<decltype(&F::OnRequestBody), decltype(&Filter::OnRequestBody)>,
        .request_trailers =
            !std::is_same_v<decltype(&F::OnRequestTrailers), decltype(&Filter::OnRequestTrailers)>,
        .response_headers =
            !std::is_same_v<decltype(&F::OnResponseHeaders), decltype(&Filter::OnResponseHeaders)>,
        .response_body =
            !std::is_same_v<decltype(&F::OnResponseBody), decltype(&Filter::OnResponseBody)>,
        .response_trailers = !std::is_same_v<decltype(&F::OnResponseTrailers),
                                             decltype(&Filter::OnResponseTrailers)>,
        .stream_end = !std::is_same_v<decltype(&F::OnStreamEnd), decltype(&Filter::OnStreamEnd)>,
    };
  }
};

// What a definition does beside all streams: fetching keys again, watching files. Made and
// destroyed on one worker, whose services it uses.
class Upkeep {
 public:
  virtual ~Upkeep() = default;
};

// What somebody asks of one filter over the admin endpoint: /filters/NAME/PAGE.
struct AdminRequest {
  bool change = false;     // POST, by somebody who may; else GET.
  std::string_view page;   // "entries"
  std::string_view query;  // Without its question mark, as it was sent.
  std::string_view body;
};

struct AdminReply {
  uint16_t status = 200;
  std::string json;  // Ends with a line feed.
};

// A named filter of the configuration: immutable after loading, shared by all workers and by every
// snapshot whose definition of it is the same. State that must survive a reload lives here.
class FilterDefinition {
 public:
  FilterDefinition(Phases phases, uint64_t max_buffer) : phases_(phases), max_buffer_(max_buffer) {}
  FilterDefinition(const FilterDefinition&) = delete;
  FilterDefinition& operator=(const FilterDefinition&) = delete;
  virtual ~FilterDefinition() = default;

  // The filter of one stream: made in stream.arena(), or one object shared by all when it keeps no
  // state. Any worker.
  virtual Filter* NewFilter(Stream& stream) const = 0;

  // Control thread: USR1 arrived. For definitions that write files.
  virtual void ReopenFiles() {}

  // Whether the files that were read while loading are still the same. When they are not, a reload
  // loads the definition again although its own text has not changed. The thread that compiles.
  virtual bool SourcesUnchanged() const { return true; }

  // Called on one worker when a configuration with this definition is served for the first time.
  // What it returns lives until a configuration without it is; null: nothing is to be done.
  virtual std::unique_ptr<Upkeep> StartUpkeep(Services&) const { return nullptr; }

  // Of filters that authenticate: removes the header fields that only they may set, which clients
  // must not send past them. For who has authenticated another way.
  virtual void StripHeaders(http::RequestHead&) const {}
  // The same for trailers, which some upstreams take for header fields. Called for every filter of
  // the chain.
  virtual void StripTrailers(http::Headers&) const {}
  // Of filters that authenticate: takes what is at credential_places[place] out of the request. For
  // what nobody has verified, as another filter has let the request in.
  virtual void RemoveCredential(size_t /*place*/, http::RequestHead&, Arena&) const {}

  // Of filters that write what others may read: where the filters of a configuration take
  // credentials from, all of their credential_places and secret_places. The thread that compiles,
  // once it has been, while workers may use the definition; it hides more than before, never less.
  virtual void HideCredentials(std::span<const std::string> /*places*/) {}

  // What this filter makes of such a request, in a sentence for people: "rule 2 (\"admins\")
  // allows". Empty: nothing to say. `info` has what is known when the filters run. Any thread but a
  // worker's.
  virtual std::string Explain(const http::RequestHead&, const observe::StreamInfo&) const {
    return {};
  }

  // A JSON object of what it knows now, for GET /filters/NAME; empty: nothing to say. Any thread
  // but a worker's.
  virtual std::string State() const { return {}; }
  // Its own pages of the admin endpoint; nothing: it has no such page. Several at once, on threads
  // that may take their time.
  virtual std::optional<AdminReply> Administer(const AdminRequest&) const { return std::nullopt; }

  // The definitions that this one is made of; empty for all but any_of.
  virtual std::span<const std::shared_ptr<const FilterDefinition>> members() const { return {}; }

  const Phases& phases() const { return phases_; }
  // Bytes that kCollect may gather before 413.
  uint64_t max_buffer() const { return max_buffer_; }

  // Set once by FilterTable.
  std::string name;       // As users wrote it: the log, stats and docs word.
  std::string_view type;  // The catalog's word.
  bool required = false;  // `required: true`: routes can't skip it.
  // Set by loaders of filters that depend on who is calling: one that stands before the filter
  // which finds that out is a mistake.
  bool needs_identity = false;
  // Whether it finds out who is calling: set by FilterTable. And whether it then says who, as
  // any_of needs of its members: set by loaders of filters that may be told not to.
  bool authenticates = false;
  bool names_caller = true;
  // Set by loaders of filters that look at StreamInfo::verdicts.
  bool reads_verdicts = false;
  // Where filters that authenticate look for credentials: set by loaders. Of two places that can
  // hold the same, one begins with the other.
  std::vector<std::string> credential_places;
  // Further places that hold secrets, spelled alike: for HideCredentials() only.
  std::vector<std::string> secret_places;
  std::vector<ClusterUse> cluster_uses;
  // What it counts in, as long as it lives.
  std::vector<std::shared_ptr<const observe::MetricBlock>> metric_blocks;

 private:
  Phases phases_;
  uint64_t max_buffer_;
};

// A definition whose filters are made as F(config), one per stream. Config must be const-usable
// from any worker.
template <typename F, typename Config>
class DefinitionOf final : public FilterDefinition {
 public:
  explicit DefinitionOf(Config config, uint64_t max_buffer = 0)
      : FilterDefinition(Phases::Of<F>(), max_buffer), config_(std::move(config)) {}
  Filter* NewFilter(Stream& stream) const override { return stream.arena().New<F>(config_); }

 private:
  Config config_;
};

// The same for filters that keep nothing of a stream: one F serves all streams of all workers at
// once, so making one costs nothing. F must not change after it is made.
template <typename F, typename Config>
class SharedDefinitionOf final : public FilterDefinition {
 public:
  explicit SharedDefinitionOf(Config config)
      : FilterDefinition(Phases::Of<F>(), 0), config_(std::move(config)), filter_(config_) {}
  Filter* NewFilter(Stream&) const override { return &filter_; }

 private:
  Config config_;
  mutable F filter_;
};

template <typename F, typename Config>
std::shared_ptr<FilterDefinition> DefineShared(Config config) {
  return std::make_shared<SharedDefinitionOf<F, Config>>(std::move(config));
}

template <typename F, typename Config>
std::shared_ptr<FilterDefinition> Define(Config config, uint64_t max_buffer = 0) {
  return std::make_shared<DefinitionOf<F, Config>>(std::move(config), max_buffer);
}

}  // namespace gatehouse::pipeline

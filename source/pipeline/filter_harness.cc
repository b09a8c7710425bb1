// SPDX-License-Identifier: Apache-2.0
#include "source/pipeline/filter_harness.h"

#include "source/base/check.h"
#include "source/base/text.h"
#include "source/config/document.h"
#include "source/pipeline/harness_stream.h"

namespace gatehouse::pipeline {
namespace {

using Item = HarnessHalf::Item;

IpAddress MustParseIp(std::string_view text) {
  const std::optional<IpAddress> ip = ParseIp(text);
  GATEHOUSE_CHECK(ip, "the test gives an IP address");
  return *ip;
}

std::optional<std::string> Joined(const http::Headers& headers, std::string_view name) {
  std::optional<std::string> out;
  headers.ForEach([&](const http::Field& field) {
    if (EqualsIgnoreCase(field.name, name)) {
      out = out ? *out + ", " + std::string(field.value) : std::string(field.value);
    }
  });
  return out;
}

}  // namespace

struct FilterHarness::Parts {
  // One text and what it was loaded into. Kept, because definitions pass from one to the next.
  struct Loaded {
    config::Diagnostics diagnostics;
    std::vector<std::unique_ptr<config::Document>> documents;
    std::unique_ptr<FilterTable> table;

    config::Value Parse(std::string name, std::string_view yaml) {
      documents.push_back(config::Document::Parse(std::move(name), yaml,
                                                  config::ProcessEnvironment(), diagnostics));
      return documents.back()->RootValue();
    }
  };

  Parts(const FilterType& type_in, HarnessOptions options_in)
      : type(type_in), options(std::move(options_in)), catalog({type_in}) {
    if (options.name.empty()) {
      options.name = type.name;
    }
    for (uint32_t i = 0; i < options.workers; ++i) {
      world.tables.push_back(&metrics.AddTable());
    }
    world.facts.peer = world.facts.client = MustParseIp("192.0.2.1");
    world.facts.peer_port = 40000;
    world.facts.scheme = "http";
    world.facts.protocol = "HTTP/1.1";
  }

  Loaded& latest() { return *loaded.back(); }

  void Load(std::string_view yaml) {
    const FilterTable* previous = loaded.empty() ? nullptr : latest().table.get();
    loaded.push_back(std::make_unique<Loaded>());
    LoadContext context;
    context.metrics = &metrics;
    context.workers = options.workers;
    context.activate = options.activate;
    context.state_dir = options.state_dir;
    // The mapping stands for itself, without the key that would name it.
    const config::Value mapping = latest().Parse("filter.yaml", yaml);
    latest().table = std::make_unique<FilterTable>(
        std::vector<std::pair<std::string, config::Value>>{{options.name, mapping}}, catalog,
        context, previous);
    definition = latest().table->definitions().begin()->second;
  }

  const FilterType type;
  HarnessOptions options;
  const Catalog catalog;
  observe::Metrics metrics;
  std::vector<std::unique_ptr<Loaded>> loaded;
  std::shared_ptr<const FilterDefinition> definition;  // Of the next stream.
  HarnessWorld world;
  std::unique_ptr<HarnessStream> live;
  std::unique_ptr<Upkeep> upkeep;
};

FilterHarness::FilterHarness(const FilterType& type, std::string_view yaml, HarnessOptions options)
    : parts_(std::make_unique<Parts>(type, std::move(options))) {
  parts_->Load(yaml);
}

FilterHarness::~FilterHarness() { End(); }

std::string FilterHarness::diagnostics() const { return parts_->latest().diagnostics.ToText(); }

FilterDefinition& FilterHarness::definition() const {
  return *parts_->latest().table->definitions().begin()->second;
}

bool FilterHarness::Reload(std::string_view yaml) {
  const FilterDefinition* before = &definition();
  parts_->Load(yaml);
  return before == &definition();
}

void FilterHarness::Override(std::string_view yaml) {
  std::string text = "[{use: \"" + parts_->options.name + "\", ";
  text.append(yaml).append("}]");
  const config::Value route = parts_->latest().Parse("route.yaml", text);
  const auto chain = parts_->latest().table->Compile({}, route.List());
  GATEHOUSE_CHECK(chain->size() == 1, "the override is well formed");
  parts_->definition = chain->definitions()[0];
}

void FilterHarness::ConnectFrom(std::string_view peer) {
  parts_->world.verdicts.clear();
  parts_->world.facts.peer = parts_->world.facts.client = MustParseIp(peer);
  parts_->world.facts.client_is_peer = true;
}

void FilterHarness::ConnectThrough(std::string_view peer, std::string_view client) {
  ConnectFrom(peer);
  parts_->world.facts.client = MustParseIp(client);
  parts_->world.facts.client_is_peer = false;
}

void FilterHarness::OnWorker(uint32_t worker) { parts_->world.worker = worker; }

observe::StreamInfo& FilterHarness::facts() {
  return parts_->live != nullptr ? parts_->live->facts() : parts_->world.facts;
}

void FilterHarness::Request(std::string_view method, std::string_view target,
                            const HarnessFields& fields) {
  End();
  parts_->live = std::make_unique<HarnessStream>(parts_->world, parts_->definition);
  parts_->live->Begin(method, target, fields);
}

void FilterHarness::Body(std::string_view chunk) {
  parts_->live->Push(parts_->live->request_half(), {Item::Kind::kChunk, std::string(chunk), false});
}
void FilterHarness::EndBody(std::string_view chunk) {
  parts_->live->Push(parts_->live->request_half(), {Item::Kind::kChunk, std::string(chunk), true});
}
void FilterHarness::Trailers(const HarnessFields& fields) {
  http::Headers& trailers = parts_->live->NewTrailers(fields);
  parts_->live->Push(parts_->live->request_half(), {Item::Kind::kTrailers, {}, true, &trailers});
}
void FilterHarness::Response(uint16_t status, const HarnessFields& fields) {
  parts_->live->BeginResponse(status, fields);
}
void FilterHarness::ResponseBody(std::string_view chunk) {
  parts_->live->Push(parts_->live->response_half(),
                     {Item::Kind::kChunk, std::string(chunk), false});
}
void FilterHarness::EndResponse(std::string_view chunk) {
  parts_->live->Push(parts_->live->response_half(), {Item::Kind::kChunk, std::string(chunk), true});
}
void FilterHarness::ResponseTrailers(const HarnessFields& fields) {
  http::Headers& trailers = parts_->live->NewTrailers(fields);
  parts_->live->Push(parts_->live->response_half(), {Item::Kind::kTrailers, {}, true, &trailers});
}

void FilterHarness::End(ErrorCode error) {
  if (parts_->live != nullptr) {
    parts_->live->End(error);
    parts_->live = nullptr;
  }
}

bool FilterHarness::forwarded() const { return parts_->live->request_half().head_passed(); }
bool FilterHarness::responded() const { return parts_->live->response_half().head_passed(); }
bool FilterHarness::paused() const {
  return parts_->live->request_half().paused() || parts_->live->response_half().paused();
}
bool FilterHarness::collecting() const {
  return parts_->live->request_half().collecting() || parts_->live->response_half().collecting();
}
const std::string& FilterHarness::request_body() const {
  return parts_->live->request_half().passed();
}
const std::string& FilterHarness::response_body() const {
  return parts_->live->response_half().passed();
}
bool FilterHarness::request_ended() const { return parts_->live->request_half().ended(); }
bool FilterHarness::response_ended() const { return parts_->live->response_half().ended(); }
const HarnessReply& FilterHarness::reply() const { return parts_->live->reply(); }

std::optional<std::string> FilterHarness::RequestField(std::string_view name) const {
  return Joined(parts_->live->request().headers, name);
}
std::optional<std::string> FilterHarness::ResponseField(std::string_view name) const {
  const http::ResponseHead* head = parts_->live->response();
  return head == nullptr ? std::nullopt : Joined(head->headers, name);
}
http::RequestHead& FilterHarness::request() { return parts_->live->request(); }
Stream& FilterHarness::stream() { return *parts_->live; }

int64_t FilterHarness::Counter(std::string_view what) const {
  std::string name = "gatehouse_filter_" + std::string(parts_->type.name) + "_";
  name.append(what).append("_total");
  return parts_->metrics.Sum(name, {{"filter", parts_->options.name}});
}

observe::Metrics& FilterHarness::metrics() { return parts_->metrics; }

const std::vector<FetchRequest>& FilterHarness::fetches() const {
  return parts_->world.services.fetches();
}

const std::vector<HarnessServices::ScriptCall>& FilterHarness::scripts() const {
  return parts_->world.services.scripts();
}

bool FilterHarness::AnswerScript(Result<RedisValue> value) {
  const bool answered = parts_->world.services.AnswerScript(std::move(value));
  Turn();
  return answered;
}

bool FilterHarness::AnswerFetch(Result<FetchResponse> response) {
  const bool answered = parts_->world.services.Answer(std::move(response));
  Turn();
  return answered;
}

void FilterHarness::Advance(Duration duration) {
  parts_->world.now += duration;
  parts_->world.services.FireTimers();
  Turn();
}

bool FilterHarness::RunBackground() {
  const bool any = parts_->world.services.RunBackground();
  Turn();
  return any;
}

void FilterHarness::StartUpkeep() {
  parts_->upkeep = nullptr;
  parts_->upkeep = definition().StartUpkeep(parts_->world.services);
}

bool FilterHarness::FileChanged(const std::string& path) {
  const bool watched = parts_->world.services.TellChanged(path);
  Turn();
  return watched;
}

void FilterHarness::Turn() {
  if (parts_->live != nullptr) {
    parts_->live->Turn();
  }
}

}  // namespace gatehouse::pipeline

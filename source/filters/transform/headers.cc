// SPDX-License-Identifier: Apache-2.0
// Sets, adds and removes header fields of requests and responses.
//
//   headers:
//     request:
//       remove: [x-internal]
//       set: {x-client: "%CLIENT_IP%", x-via: gatehouse}
//     response:
//       add: {x-served-by: "%ENDPOINT%"}
//
// In this order: remove, set, add. A value may hold the %OPERATORS% of access logs whose value is
// known by then. A value that comes out empty sets nothing, but still removes what was there: a
// client can't slip in a field that the gateway was told to set. Fields that frame a message or
// belong to one connection are refused at load: the codecs write those.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "source/base/text.h"
#include "source/filters/builtin.h"
#include "source/filters/field_name.h"
#include "source/observe/pattern.h"

namespace gatehouse::filters {
namespace {

using observe::Moment;
using observe::Pattern;
using pipeline::Action;
using pipeline::Stream;

struct Edit {
  enum class Kind : uint8_t { kRemove, kSet, kAdd };
  Kind kind = Kind::kRemove;
  std::string name;  // Lower case.
  Pattern value;
};

struct Config {
  std::vector<Edit> request;
  std::vector<Edit> response;
};

// The stream's own fields, for %REQ()% and %RESP()%, while it is under way.
class StreamHeaders final : public observe::HeaderSource {
 public:
  explicit StreamHeaders(Stream& stream) : stream_(stream) {}
  std::string_view RequestHeader(std::string_view name) const override {
    return name == "host" ? std::string_view(stream_.request().authority)
                          : ValueOf(stream_.request().headers, name);
  }
  std::string_view ResponseHeader(std::string_view name) const override {
    return stream_.response() == nullptr ? "" : ValueOf(stream_.response()->headers, name);
  }

 private:
  static std::string_view ValueOf(const http::Headers& headers, std::string_view name) {
    const http::Field* field = headers.Find(name);
    return field == nullptr ? std::string_view() : field->value;
  }
  Stream& stream_;
};

class HeadersDefinition final : public pipeline::FilterDefinition {
 public:
  HeadersDefinition(Config config, uint32_t workers)
      : FilterDefinition(PhasesOf(config), 0), config_(std::move(config)), workers_(workers) {}

  pipeline::Filter* NewFilter(Stream&) const override { return &editor_; }

 private:
  // Keeps nothing of a stream, so one serves all.
  class Editor final : public pipeline::Filter {
   public:
    explicit Editor(const HeadersDefinition& definition) : definition_(definition) {}
    Action OnRequestHeaders(http::RequestHead& head, Stream& stream) override {
      definition_.Apply(definition_.config_.request, head.headers, stream);
      return Action::kContinue;
    }
    Action OnResponseHeaders(http::ResponseHead& head, Stream& stream) override {
      definition_.Apply(definition_.config_.response, head.headers, stream);
      return Action::kContinue;
    }

   private:
    const HeadersDefinition& definition_;
  };
  struct alignas(64) PerWorker {
    observe::LogScratch scratch;
  };

  static pipeline::Phases PhasesOf(const Config& config) {
    return {.request_headers = !config.request.empty(),
            .response_headers = !config.response.empty()};
  }

  void Apply(const std::vector<Edit>& edits, http::Headers& headers, Stream& stream) const {
    for (const Edit& edit : edits) {
      if (edit.kind == Edit::Kind::kRemove) {
        headers.Remove(edit.name);
        continue;
      }
      const std::string_view value =
          edit.value.IsConstant() ? edit.value.constant() : Render(edit.value, stream);
      if (edit.kind == Edit::Kind::kAdd) {
        if (!value.empty()) {
          headers.Add(edit.name, value);
        }
      } else if (value.empty()) {
        headers.Remove(edit.name);
      } else {
        headers.Set(edit.name, value);
      }
    }
  }

  std::string_view Render(const Pattern& pattern, Stream& stream) const {
    const uint32_t worker = stream.worker();
    if (worker >= workers_.size()) {
      return {};
    }
    const StreamHeaders headers(stream);
    observe::StreamInfo info = stream.info();
    info.headers = &headers;
    if (const http::ResponseHead* response = stream.response()) {
      info.status = response->status;
    }
    if (pattern.Uses("REQUEST_ID")) {
      info.request_id = stream.request_id();
    }
    observe::LogScratch& scratch = workers_[worker].scratch;
    scratch.line.Clear();
    pattern.AppendHeaderValue(info, scratch);
    return stream.arena().Copy(TrimOws(scratch.line.view()));
  }

  const Config config_;
  mutable std::vector<PerWorker> workers_;
  mutable Editor editor_{*this};
};

void LoadValues(Edit::Kind kind, const config::Value& values, Moment moment,
                std::vector<Edit>& edits) {
  for (const auto& [name, value] : values.Entries()) {
    const std::string checked = CheckedFieldName(name, value);
    const std::string text(TrimOws(value.String()));
    const auto same = [&](const Edit& edit) { return edit.kind == kind && edit.name == checked; };
    if (HoldsControls(text)) {
      value.Error("a header field can't hold line breaks or control characters");
      continue;
    }
    if (text.empty()) {
      value.Error("is empty; `remove` takes a field away");
      continue;
    }
    if (!checked.empty() && std::any_of(edits.begin(), edits.end(), same)) {
      value.Error("is given twice: the case of a field's name doesn't count");
      continue;
    }
    auto pattern = Pattern::Parse(text, moment);
    if (!pattern) {
      value.Error(pattern.error().message, pattern.error().suggestion);
    } else if (!checked.empty()) {
      edits.push_back({kind, checked, *std::move(pattern)});
    }
  }
}

std::vector<Edit> LoadEdits(config::Object in, Moment moment) {
  std::vector<Edit> edits;
  for (const config::Value& name :
       in.List("remove", config::About("Names of fields that are taken away; this comes first.")
                             .Type("header's name"))) {
    if (std::string checked = CheckedFieldName(name.String(), name); !checked.empty()) {
      edits.push_back({Edit::Kind::kRemove, std::move(checked), {}});
    }
  }
  LoadValues(Edit::Kind::kSet,
             in.Get("set",
                    "Fields with their values, which may hold %OPERATORS%; they replace those of "
                    "the same name."),
             moment, edits);
  LoadValues(Edit::Kind::kAdd,
             in.Get("add",
                    "Fields with their values, which may hold %OPERATORS%; they come beside those "
                    "of the same name."),
             moment, edits);
  return edits;
}

std::shared_ptr<pipeline::FilterDefinition> Load(config::Object& in,
                                                 const pipeline::LoadContext& context) {
  Config config;
  config.request = LoadEdits(in.Child("request", "Edits to the request, before it is forwarded."),
                             Moment::kRequest);
  config.response = LoadEdits(
      in.Child("response", "Edits to the response, local replies included."), Moment::kResponse);
  return std::make_shared<HeadersDefinition>(std::move(config), context.workers);
}

}  // namespace

pipeline::FilterType HeaderEdits() {
  return {"headers",
          Load,
          "Sets, adds and removes header fields.",
          {"request: {remove: [x-internal], set: {x-client: \"%CLIENT_IP%\"}, add: {x-via: "
           "gatehouse}}, "
           "response: {remove: [server], set: {x-frame-options: DENY}, "
           "add: {x-served-by: \"%ENDPOINT%\"}}"}};
}

}  // namespace gatehouse::filters

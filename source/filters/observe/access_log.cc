// SPDX-License-Identifier: Apache-2.0
// Writes a line per stream to files, standard output or syslog servers, when the stream ends.
//
//   access_log:
//     path: stdout                  # stdout, stderr, a file or a FIFO
//     format: json                  # text, json
//     template: "%METHOD% %PATH% %RESPONSE_CODE% %DURATION%"   # instead of the text format's own
//     fields: {status: "%RESPONSE_CODE%", took: "%DURATION%"}  # instead of the JSON format's own
//     when: [{status: 5xx}, {min_duration: 1s}, {sample: 0.01}]
//     buffer: 1MiB                  # of lines waiting to be written, per worker
//     redact: {headers: [x-session-key], query: [invite]}      # hidden besides what always is
//   errors:
//     type: access_log
//     sinks:
//       - {path: /var/log/errors.log, when: {errors: true}}
//       - {syslog: {address: "udp://192.0.2.7:514"}, format: json}
//
// A worker never waits for the disk or the network: lines that find no room are dropped and counted
// (see observe/log_sink.h). Filters with the same path and buffer share one writer, across reloads
// too. Secrets are hidden by default: see observe/secrets.h.
#include <algorithm>
#include <random>
#include <string>
#include <utility>

#include "source/base/text.h"
#include "source/filters/builtin.h"
#include "source/filters/observe/log_settings.h"

namespace gatehouse::filters {
namespace {

using pipeline::Stream;

uint64_t RandomSeed() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

class AccessLogDefinition final : public pipeline::FilterDefinition {
 public:
  AccessLogDefinition(LogSettings settings, const pipeline::LoadContext& context)
      : FilterDefinition(pipeline::Phases::Of<Writer>(), 0),
        settings_(std::move(settings)),
        lines_(context.Counter("access_log", "lines", "Lines handed to the log's writer.")),
        dropped_(context.Counter("access_log", "dropped",
                                 "Lines lost because the log's buffer was full.")),
        workers_(context.workers) {
    const std::vector<LogDestination>& all = settings_.destinations;
    reads_verdicts = std::any_of(all.begin(), all.end(), [](const LogDestination& to) {
      return to.format.Uses("VERDICTS");
    });
  }

  pipeline::Filter* NewFilter(Stream&) const override { return &writer_; }
  void ReopenFiles() override {
    for (const LogDestination& to : settings_.destinations) {
      if (to.sink != nullptr) {
        to.sink->Reopen();
      }
    }
  }
  void HideCredentials(std::span<const std::string> places) override;
  std::string State() const override;

 private:
  // Serves all streams of all workers: what it writes with is the worker's.
  class Writer final : public pipeline::Filter {
   public:
    explicit Writer(const AccessLogDefinition& log) : log_(log) {}
    void OnStreamEnd(const observe::StreamInfo& info, Stream& stream) noexcept override {
      log_.Write(info, stream);
    }

   private:
    const AccessLogDefinition& log_;
  };
  struct alignas(64) PerWorker {
    observe::LogScratch scratch;
    observe::SampleRandom random{RandomSeed()};
  };

  void Write(const observe::StreamInfo& info, Stream& stream) const {
    const uint32_t worker = stream.worker();
    if (worker >= workers_.size()) {
      stream.Count(dropped_);
      return;
    }
    PerWorker& own = workers_[worker];
    for (const LogDestination& to : settings_.destinations) {
      if (to.when.Want(info, own.random)) {
        const bool kept = WriteTo(to, info, worker, own.scratch);
        stream.Count(kept ? lines_ : dropped_);
      }
    }
  }

  static bool WriteTo(const LogDestination& to, const observe::StreamInfo& info, uint32_t worker,
                      observe::LogScratch& scratch) {
    if (to.sink == nullptr) {
      return false;
    }
    if (to.syslog) {
      to.syslog->Begin(info, scratch);
      to.format.Append(info, scratch);
      to.syslog->End(scratch);
    } else {
      to.format.Write(info, scratch);
    }
    return to.sink->Append(worker, scratch.line.view());
  }

  const LogSettings settings_;
  const observe::MetricId lines_;
  const observe::MetricId dropped_;
  mutable std::vector<PerWorker> workers_;
  mutable Writer writer_{*this};
};

// "header NAME:PREFIX", "query NAME:", "cookie NAME:". Cookies are always hidden.
void AccessLogDefinition::HideCredentials(std::span<const std::string> places) {
  if (settings_.secrets == nullptr) {
    return;
  }
  for (const std::string& place : places) {
    const std::string_view text = place;
    const std::string_view name = text.substr(text.find(' ') + 1);
    if (text.starts_with("header ")) {
      settings_.secrets->HideHeader(name.substr(0, name.find(':')));
    } else if (text.starts_with("query ")) {
      settings_.secrets->HideParameter(name.substr(0, name.rfind(':')));
    }
  }
}

// A writer may serve several filters: it is told for each.
std::string AccessLogDefinition::State() const {
  std::string out = "{\"sinks\":[";
  for (const LogDestination& to : settings_.destinations) {
    if (to.sink == nullptr) {
      continue;
    }
    out.append(out.ends_with('[') ? "" : ",").append("{\"to\":\"");
    AppendJsonEscaped(out, to.sink->name());
    out.append("\",\"written_bytes\":").append(std::to_string(to.sink->written_bytes()));
    out.append(",\"dropped_lines\":").append(std::to_string(to.sink->dropped_lines()));
    out.append(",\"write_errors\":").append(std::to_string(to.sink->write_errors())).append("}");
  }
  return out + "]}";
}

std::shared_ptr<pipeline::FilterDefinition> Load(config::Object& in,
                                                 const pipeline::LoadContext& context) {
  return std::make_shared<AccessLogDefinition>(LoadLogSettings(in, context), context);
}

}  // namespace

pipeline::FilterType AccessLog() {
  // Conditions in each form that they may have: alone and in a list, both again in `not`.
  const std::string keys =
      "status: [5xx, 429], min_duration: 1s, routes: [users], listeners: [web], methods: [GET], "
      "errors: true, sample: 0.1";
  const std::string words =
      "status: 501, min_duration: 5s, routes: users, listeners: web, methods: HEAD, errors: false, "
      "sample: 0.5";
  const std::string one = "when: {" + keys + ", not: {" + words + "}}";
  const std::string but = "when: {" + words + ", not: [{" + keys + "}]}";
  const std::string several =
      "when: [{" + keys + ", not: {" + words + "}}, {not: [{" + keys + "}]}]";
  static const std::string json =
      "path: stdout, format: json, buffer: 1MiB, fields: {status: \"%RESPONSE_CODE%\"}, redact: "
      "{headers: [x-session-key], query: [invite]}, " +
      one;
  static const std::string text =
      "path: stderr, format: text, template: \"%METHOD% %PATH% %RESPONSE_CODE%\", redact: off, " +
      several;
  static const std::string sinks =
      "sinks: [{path: stderr, format: text, buffer: 1MiB, template: \"%PATH%\", " + one +
      "}, {path: stdout, format: json, fields: {status: \"%RESPONSE_CODE%\"}, " + several +
      "}, {syslog: {address: \"udp://192.0.2.7:514\", facility: local0, severity: auto, tag: "
      "gatehouse, format: rfc5424, max_bytes: 2KiB}, " +
      but + "}]";
  static const std::string syslog =
      "syslog: {address: \"unix:/dev/log\", facility: local0, severity: auto, tag: gatehouse, "
      "format: rfc3164, max_bytes: 8KiB}, " +
      but;
  return {"access_log", Load, "Writes one line per request.", {json, text, syslog, sinks}};
}

}  // namespace gatehouse::filters

// SPDX-License-Identifier: Apache-2.0
// Writes one line per stream to a file or standard output, when the stream ends.
//
//   access_log:
//     path: stdout                  # stdout, stderr, a file or a FIFO
//     format: json                  # text, json
//     template: "%METHOD% %PATH% %RESPONSE_CODE% %DURATION%"   # instead of the text format's own
//     fields: {status: "%RESPONSE_CODE%", took: "%DURATION%"}  # instead of the JSON format's own
//     buffer: 1MiB                  # of lines waiting to be written, per worker
//
// A worker never waits for the disk: lines that find no room are dropped and counted (see
// observe/log_sink.h). Filters with the same path and buffer share one writer, across reloads too.
#include <utility>

#include "source/filters/builtin.h"
#include "source/observe/access_log_format.h"
#include "source/observe/log_sink.h"

namespace gatehouse::filters {
namespace {

using observe::AccessLogFormat;
using observe::Pattern;
using pipeline::Stream;

class AccessLogDefinition final : public pipeline::FilterDefinition {
 public:
  AccessLogDefinition(AccessLogFormat format, std::shared_ptr<observe::LogSink> sink,
                      const pipeline::LoadContext& context)
      : FilterDefinition(pipeline::Phases::Of<Writer>(), 0),
        format_(std::move(format)),
        sink_(std::move(sink)),
        lines_(context.Counter("access_log", "lines", "Lines handed to the log's writer.")),
        dropped_(context.Counter("access_log", "dropped",
                                 "Lines lost because the log's buffer was full.")),
        workers_(context.workers) {}

  pipeline::Filter* NewFilter(Stream&) const override { return &writer_; }
  void ReopenFiles() override {
    if (sink_ != nullptr) {
      sink_->Reopen();
    }
  }

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
  };

  void Write(const observe::StreamInfo& info, Stream& stream) const {
    const uint32_t worker = stream.worker();
    if (sink_ == nullptr || worker >= workers_.size()) {
      stream.Count(dropped_);
      return;
    }
    observe::LogScratch& scratch = workers_[worker].scratch;
    format_.Write(info, scratch);
    stream.Count(sink_->Append(worker, scratch.line.view()) ? lines_ : dropped_);
  }

  const AccessLogFormat format_;
  const std::shared_ptr<observe::LogSink> sink_;  // Null while a configuration is only checked.
  const observe::MetricId lines_;
  const observe::MetricId dropped_;
  mutable std::vector<PerWorker> workers_;
  mutable Writer writer_{*this};
};

enum class Format : uint8_t { kText, kJson };

AccessLogFormat LoadText(const config::Value& value) {
  if (!value.present()) {
    return AccessLogFormat::DefaultText();
  }
  auto pattern = Pattern::Parse(value.String(), observe::Moment::kEnd);
  if (!pattern) {
    value.Error(pattern.error().message, pattern.error().suggestion);
    return AccessLogFormat::DefaultText();
  }
  return AccessLogFormat::Text(*std::move(pattern));
}

AccessLogFormat LoadJson(const config::Value& value) {
  if (!value.present()) {
    return AccessLogFormat::DefaultJson();
  }
  std::vector<std::pair<std::string, Pattern>> members;
  for (const auto& [key, text] : value.Entries()) {
    auto pattern = Pattern::Parse(text.String(), observe::Moment::kEnd);
    if (pattern) {
      members.emplace_back(key, *std::move(pattern));
    } else {
      text.Error(pattern.error().message, pattern.error().suggestion);
    }
  }
  return AccessLogFormat::Json(std::move(members));
}

AccessLogFormat LoadFormat(config::Object& in) {
  const config::Value text = in.Get(
      "template",
      "A line of the text format, with %OPERATORS%; left out, the combined log format and more.");
  const config::Value fields =
      in.Get("fields", "Members of a line of the JSON format, each with its %OPERATORS%.");
  const Format format =
      in.Enum<Format>("format", {{"text", Format::kText}, {"json", Format::kJson}},
                      fields.present() && !text.present() ? Format::kJson : Format::kText,
                      config::About("How a line is written; with `fields`, json.").Default("text"));
  if (format == Format::kText && fields.present()) {
    in.Error("fields", "belongs to `format: json`; a text line has a `template`");
  }
  if (format == Format::kJson && text.present()) {
    in.Error("template", "belongs to `format: text`; a JSON line has `fields`");
  }
  return format == Format::kText ? LoadText(text) : LoadJson(fields);
}

std::shared_ptr<observe::LogSink> LoadSink(config::Object& in,
                                           const pipeline::LoadContext& context) {
  observe::LogSinkOptions options;
  options.path = in.String(
      "path", "stdout",
      config::About("Where lines go: stdout, stderr, a file or a FIFO; a file is made when it is "
                    "missing, and appended to.")
          .Type("path"));
  options.buffer_bytes = in.Size(
      "buffer",
      {.def = options.buffer_bytes,
       .min = observe::LogSinkOptions::kMinBuffer,
       .max = observe::LogSinkOptions::kMaxBuffer},
      "How much may wait to be written, for each worker; lines that find no room are dropped and "
      "counted.");
  options.workers = context.workers;
  const Result<void> possible = observe::LogFile::Check(options.path);
  if (!possible) {
    in.Error("path", possible.error().message);
    return nullptr;
  }
  if (!context.activate) {
    return nullptr;
  }
  Result<std::shared_ptr<observe::LogSink>> sink = context.log_sinks != nullptr
                                                       ? context.log_sinks->Open(options)
                                                       : observe::LogSink::Open(options);
  if (!sink) {
    in.Error("path", sink.error().message);
    return nullptr;
  }
  return *std::move(sink);
}

std::shared_ptr<pipeline::FilterDefinition> Load(config::Object& in,
                                                 const pipeline::LoadContext& context) {
  AccessLogFormat format = LoadFormat(in);
  return std::make_shared<AccessLogDefinition>(std::move(format), LoadSink(in, context), context);
}

}  // namespace

pipeline::FilterType AccessLog() {
  return {"access_log",
          Load,
          "Writes one line per request.",
          {"path: stdout, format: json, buffer: 1MiB, fields: {status: \"%RESPONSE_CODE%\"}",
           "path: stderr, format: text, template: \"%METHOD% %PATH% %RESPONSE_CODE%\""}};
}

}  // namespace gatehouse::filters

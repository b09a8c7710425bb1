// SPDX-License-Identifier: Apache-2.0
#include "source/filters/observe/log_settings.h"

#include <string>
#include <string_view>
#include <utility>

#include "source/observe/log_file.h"

namespace gatehouse::filters {
namespace {

using config::About;
using config::Object;
using config::Value;
using observe::AccessLogFormat;
using observe::Pattern;
using observe::Secrets;
using SecretsPtr = std::shared_ptr<Secrets>;

enum class Format : uint8_t { kText, kJson };

struct LoadedFormat {
  Format kind = Format::kText;
  AccessLogFormat format;
};

std::optional<Pattern> LoadPattern(const Value& value, const SecretsPtr& secrets) {
  auto pattern = Pattern::Parse(value.String(), observe::Moment::kEnd, secrets);
  if (!pattern) {
    value.Error(pattern.error().message, pattern.error().suggestion);
    return std::nullopt;
  }
  return *std::move(pattern);
}

AccessLogFormat LoadText(const Value& value, const SecretsPtr& secrets) {
  std::optional<Pattern> pattern;
  if (value.present()) {
    pattern = LoadPattern(value, secrets);
  }
  return pattern ? AccessLogFormat::Text(*std::move(pattern))
                 : AccessLogFormat::DefaultText(secrets);
}

AccessLogFormat LoadJson(const Value& value, const SecretsPtr& secrets) {
  if (!value.present()) {
    return AccessLogFormat::DefaultJson(secrets);
  }
  std::vector<std::pair<std::string, Pattern>> members;
  for (const auto& [key, text] : value.Entries()) {
    if (auto pattern = LoadPattern(text, secrets)) {
      members.emplace_back(key, *std::move(pattern));
    }
  }
  return AccessLogFormat::Json(std::move(members));
}

// `general`: what holds where nothing is said; null: nothing.
LoadedFormat LoadFormat(Object& in, const LoadedFormat* general, const SecretsPtr& secrets) {
  const Value text = in.Get(
      "template",
      "A line of the text format, with %OPERATORS%; left out, the combined log format and more.");
  const Value fields =
      in.Get("fields", "Members of a line of the JSON format, each with its %OPERATORS%.");
  const Format usual = fields.present() && !text.present()    ? Format::kJson
                       : text.present() || general == nullptr ? Format::kText
                                                              : general->kind;
  const Format kind =
      in.Enum<Format>("format", {{"text", Format::kText}, {"json", Format::kJson}}, usual,
                      About("How a line is written; with `fields`, json.").Default("text"));
  if (kind == Format::kText && fields.present()) {
    in.Error("fields", "belongs to `format: json`; a text line has a `template`");
  }
  if (kind == Format::kJson && text.present()) {
    in.Error("template", "belongs to `format: text`; a JSON line has `fields`");
  }
  if (general != nullptr && kind == general->kind && !text.present() && !fields.present()) {
    return *general;
  }
  return {kind, kind == Format::kText ? LoadText(text, secrets) : LoadJson(fields, secrets)};
}

SecretsPtr LoadRedact(Object& in) {
  const Value value = in.Get(
      "redact",
      "What is hidden besides the secrets that are known by their names; off: nothing is hidden.");
  if (value.Is("off")) {
    value.Warning("passwords, tokens and cookies are written to the log as they come");
    return nullptr;
  }
  auto out = std::make_shared<Secrets>();
  Object more = value.Map();
  for (const std::string& name :
       more.Strings("headers", "Further header fields whose values are hidden.")) {
    out->HideHeader(name);
  }
  for (const std::string& name :
       more.Strings("query", "Further query parameters whose values are hidden.")) {
    out->HideParameter(name);
  }
  return out;
}

// Loads destinations one after another; the first is what the filter itself says.
class DestinationLoader {
 public:
  DestinationLoader(const pipeline::LoadContext& context, SecretsPtr secrets)
      : context_(context), secrets_(std::move(secrets)) {}

  std::vector<LogDestination> Load(Object& in) {
    LoadedFormat format = LoadFormat(in, nullptr, secrets_);
    observe::LogConditions when = LoadWhen(in);
    observe::LogSinkOptions sink;
    sink.workers = context_.workers;
    sink.buffer_bytes = LoadBuffer(in, sink.buffer_bytes);
    const Value sinks = in.Get("sinks",
                               "Several places that lines go to, instead of one `path` or "
                               "`syslog`; what one leaves out is as the filter has it.");
    std::vector<LogDestination> out;
    if (!sinks.present()) {
      out.push_back({std::move(format.format), std::move(when), std::nullopt, nullptr});
      Open(in, std::move(sink), out.back());
      return out;
    }
    for (const std::string_view key : {"path", "syslog"}) {
      if (in.Has(key)) {
        in.Get(key, "Has its place in `sinks`.");
        in.Error(key, "stands in one of the `sinks` when there are any");
      }
    }
    for (const Value& value : sinks.List()) {
      Object one = value.Map();
      const bool conditions = one.Has("when");
      observe::LogConditions own = LoadWhen(one);
      observe::LogSinkOptions to = sink;
      to.buffer_bytes = LoadBuffer(one, sink.buffer_bytes);
      out.push_back({LoadFormat(one, &format, secrets_).format, conditions ? std::move(own) : when,
                     std::nullopt, nullptr});
      Open(one, std::move(to), out.back());
    }
    if (out.empty() && (sinks.IsList() || sinks.IsNull())) {
      sinks.Error("needs at least one place, such as {path: stdout}");
    }
    return out;
  }

 private:
  static observe::LogConditions LoadWhen(Object& in) {
    return LoadLogConditions(
        in.Get("when",
               "Which requests get a line: those for which all of this holds; of a list, "
               "any; left out, all requests."));
  }

  static uint64_t LoadBuffer(Object& in, uint64_t general) {
    return in.Size("buffer",
                   {.def = general,
                    .min = observe::LogSinkOptions::kMinBuffer,
                    .max = observe::LogSinkOptions::kMaxBuffer},
                   "How much may wait to be written, for each worker; lines that find no room are "
                   "dropped and counted.");
  }

  void Open(Object& in, observe::LogSinkOptions sink, LogDestination& to) const {
    const Value syslog = in.Get("syslog", "A syslog server that lines go to, instead of a `path`.");
    sink.path = in.String(
        "path", "stdout",
        About("Where lines go: stdout, stderr, a file or a FIFO; a file is made when it is "
              "missing, and appended to.")
            .Type("path"));
    if (syslog.present()) {
      to.syslog = LoadSyslog(syslog, sink);
      if (in.Has("path")) {
        in.Error("path", "lines go to a `path` or to `syslog`: for both, there are `sinks`");
      }
      if (!sink.syslog) {
        return;  // Its mistakes are known.
      }
    } else if (const Result<void> possible = observe::LogFile::Check(sink.path); !possible) {
      in.Error("path", possible.error().message);
      return;
    }
    if (!context_.activate) {
      return;
    }
    auto opened = context_.log_sinks != nullptr ? context_.log_sinks->Open(sink)
                                                : observe::LogSink::Open(sink);
    if (opened) {
      to.sink = *std::move(opened);
    } else {
      in.Error(syslog.present() ? "syslog" : "path", opened.error().message);
    }
  }

  const pipeline::LoadContext& context_;
  const SecretsPtr secrets_;
};

}  // namespace

LogSettings LoadLogSettings(Object& in, const pipeline::LoadContext& context) {
  LogSettings out;
  out.secrets = LoadRedact(in);
  out.destinations = DestinationLoader(context, out.secrets).Load(in);
  return out;
}

}  // namespace gatehouse::filters

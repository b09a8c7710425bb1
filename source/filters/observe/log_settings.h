// SPDX-License-Identifier: Apache-2.0
// The settings of the access_log filter: where lines go, which ones, and how each is written.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "source/config/object.h"
#include "source/observe/access_log_format.h"
#include "source/observe/log_condition.h"
#include "source/observe/log_sink.h"
#include "source/observe/secrets.h"
#include "source/observe/syslog_message.h"
#include "source/pipeline/catalog.h"

namespace gatehouse::filters {

// One place that lines go to.
struct LogDestination {
  observe::AccessLogFormat format;
  observe::LogConditions when;
  std::optional<observe::SyslogFormat> syslog;  // Around each line; nothing: a file.
  std::shared_ptr<observe::LogSink> sink;       // Null while a configuration is only checked.
};

struct LogSettings {
  std::vector<LogDestination> destinations;
  std::shared_ptr<observe::Secrets> secrets;  // Null: nothing is hidden.
};

LogSettings LoadLogSettings(config::Object& in, const pipeline::LoadContext& context);

// `when:`; absent: every stream is wanted.
observe::LogConditions LoadLogConditions(const config::Value& value);

// `syslog:`: fills in where to, and returns what messages say of themselves.
observe::SyslogFormat LoadSyslog(const config::Value& value, observe::LogSinkOptions& sink);

}  // namespace gatehouse::filters

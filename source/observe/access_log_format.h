// SPDX-License-Identifier: Apache-2.0
// How a stream becomes one line of an access log: text with operators, or a JSON object.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/observe/pattern.h"
#include "source/observe/stream_info.h"

namespace gatehouse::observe {

// Immutable after it is made; any thread, each with its own scratch.
class AccessLogFormat {
 public:
  static AccessLogFormat Text(Pattern line);
  // Members in the order given. Those without a value in a stream are left out of its line.
  static AccessLogFormat Json(std::vector<std::pair<std::string, Pattern>> members);

  // The combined log format of Apache and nginx, then milliseconds, route, endpoint and error.
  // `secrets`: as Pattern::Parse() takes them.
  static AccessLogFormat DefaultText(const std::shared_ptr<Secrets>& secrets = nullptr);
  static AccessLogFormat DefaultJson(const std::shared_ptr<Secrets>& secrets = nullptr);

  // Makes scratch.line the line, line feed included.
  void Write(const StreamInfo& info, LogScratch& scratch) const;
  // Appends it to scratch.line, without line feed.
  void Append(const StreamInfo& info, LogScratch& scratch) const;

  bool Uses(std::string_view operator_name) const;

 private:
  struct Member {
    std::string key;  // "key": as it is written, colon included.
    Pattern value;
  };
  bool json_ = false;
  Pattern line_;
  std::vector<Member> members_;
};

}  // namespace gatehouse::observe

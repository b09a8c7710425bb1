// SPDX-License-Identifier: Apache-2.0
// How a stream becomes one line of an access log: text with operators, or a JSON object.
#pragma once

#include <string>
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
  static AccessLogFormat DefaultText();
  static AccessLogFormat DefaultJson();

  // Makes scratch.line the line, line feed included.
  void Write(const StreamInfo& info, LogScratch& scratch) const;

 private:
  struct Member {
    std::string key;  // "key": as it is written, colon included.
    Pattern value;
    bool needs_identity = false;
  };
  bool json_ = false;
  Pattern line_;
  std::vector<Member> members_;
};

}  // namespace gatehouse::observe

// SPDX-License-Identifier: Apache-2.0
// `syslog:` of the access_log filter.
//
//   syslog: {address: "udp://192.0.2.7:514", facility: local0, severity: auto, tag: gatehouse,
//            format: rfc5424, max_bytes: 2KiB}
#include <algorithm>
#include <string>
#include <utility>

#include "source/filters/observe/log_settings.h"

namespace gatehouse::filters {
namespace {

using config::About;
using config::Object;
using config::Value;
using Transport = observe::SyslogAddress::Transport;

constexpr uint8_t kByStatus = 255;

uint8_t LoadFacility(Object& in) {
  return in.Enum<uint8_t>(
      "facility",
      {{"kern", 0},      {"user", 1},    {"mail", 2},    {"daemon", 3},  {"auth", 4},
       {"syslog", 5},    {"lpr", 6},     {"news", 7},    {"uucp", 8},    {"cron", 9},
       {"authpriv", 10}, {"ftp", 11},    {"local0", 16}, {"local1", 17}, {"local2", 18},
       {"local3", 19},   {"local4", 20}, {"local5", 21}, {"local6", 22}, {"local7", 23}},
      16, "What kind of thing sends messages, for the server's rules.");
}

std::optional<uint8_t> LoadSeverity(Object& in) {
  const auto severity = in.Enum<uint8_t>(
      "severity",
      {{"auto", kByStatus},
       {"emerg", 0},
       {"alert", 1},
       {"crit", 2},
       {"err", 3},
       {"warning", 4},
       {"notice", 5},
       {"info", 6},
       {"debug", 7}},
      kByStatus, "How bad it is; auto: err for 5xx and for no answer, warning for 4xx, else info.");
  return severity == kByStatus ? std::nullopt : std::optional(severity);
}

std::string LoadTag(Object& in) {
  std::string tag = in.String("tag", "gatehouse", "The name under which messages are filed.");
  const bool printable =
      std::all_of(tag.begin(), tag.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (tag.empty() || tag.size() > 32 || !printable || tag.find_first_of("[]:") != tag.npos) {
    in.Error("tag", "must be a word of at most 32 letters, digits and signs, without [, ] and :");
  }
  return tag;
}

}  // namespace

observe::SyslogFormat LoadSyslog(const Value& value, observe::LogSinkOptions& sink) {
  Object in = value.Map();
  const std::string address = in.RequiredString(
      "address", About("The server: unix:/PATH, udp://ADDRESS:PORT or tcp://ADDRESS:PORT.")
                     .Type("address")
                     .Example("udp://192.0.2.7:514"));
  if (in.Has("address")) {
    Result<observe::SyslogAddress> parsed = observe::SyslogAddress::Parse(address);
    if (parsed) {
      sink.syslog = *std::move(parsed);
    } else {
      in.Error("address", parsed.error().message);
    }
  }
  const Transport transport = sink.syslog ? sink.syslog->transport : Transport::kTcp;
  observe::SyslogOptions out;
  out.facility = LoadFacility(in);
  out.severity = LoadSeverity(in);
  out.tag = LoadTag(in);
  out.rfc3164 = in.Enum<bool>(
      "format", {{"rfc5424", false}, {"rfc3164", true}}, transport == Transport::kUnix,
      About("How a message is written; left out, rfc3164 for unix sockets, as local log daemons "
            "expect it, else rfc5424.")
          .Default("rfc5424"));
  constexpr uint64_t kMostOfDatagram = 60 * 1024;
  out.max_bytes = in.Size(
      "max_bytes",
      {.def = transport == Transport::kUdp ? 2048u : 8192u, .min = 480, .max = kMostOfDatagram},
      About("Longer messages are cut; left out, 2KiB for UDP, else 8KiB.").Default("8KiB"));
  return observe::SyslogFormat(std::move(out));
}

}  // namespace gatehouse::filters

// SPDX-License-Identifier: Apache-2.0
// runtime:
//   workers: auto                 # or a number of threads
//   drain_timeout: 30s            # how long requests may go on when draining
//   shutdown_delay: 0s            # from failing readiness to closing listeners
//   state_dir: ""
//   log_level: info               # debug, info, warning, error, off
//   dns: {servers: [], timeout: 2s, min_ttl: 1s, max_ttl: 5m}    # [] is the system's
#include <optional>
#include <string>
#include <utility>

#include "source/base/text.h"
#include "source/server/sections.h"

namespace gatehouse::server {
namespace {

constexpr uint64_t kMaxWorkers = 1024;
constexpr uint16_t kDnsPort = 53;

uint32_t LoadWorkers(const config::Value& value) {
  if (value.Is("auto") || !value.present()) {
    return 0;
  }
  if (value.IsScalar() && !value.Scalar().empty() && !IsDigit(value.Scalar().front())) {
    value.Error("expected auto or a number of threads, got \"" + value.String() + "\"",
                EditDistance(value.Scalar(), "auto", 2) <= 2 ? "auto" : "");
    return 0;
  }
  return static_cast<uint32_t>(value.Uint({0, 1, kMaxWorkers}));
}

// IP:PORT, or an IP alone for port 53; nothing is resolved to find a resolver.
std::optional<config::Address> ParseServer(const std::string& text) {
  if (const std::optional<IpAddress> ip = ParseIp(text)) {
    const auto kind = ip->IsV4() ? config::Address::Kind::kIpv4 : config::Address::Kind::kIpv6;
    return config::Address{kind, ip->ToString(), kDnsPort};
  }
  const Result<config::Address> address = config::ParseAddress(text);
  const bool usable = address && !text.starts_with(':') && address->port != 0 &&
                      (address->kind == config::Address::Kind::kIpv4 ||
                       address->kind == config::Address::Kind::kIpv6);
  return usable ? std::optional<config::Address>(*address) : std::nullopt;
}

void LoadDns(config::Object in, upstream::ResolverSettings& out) {
  for (const config::Value& value :
       in.List("servers", config::About("DNS servers to ask, IP or IP:PORT; without any, the "
                                        "system's resolv.conf and hosts count.")
                              .Type("IP or IP:PORT"))) {
    const std::string text = value.String();
    if (const std::optional<config::Address> server = ParseServer(text)) {
      out.servers.push_back(server->ToString());
    } else if (value.IsScalar()) {
      value.Error("a DNS server is an IP address, or IP:PORT; got \"" + text + "\"");
    }
  }
  constexpr Duration kMin = std::chrono::milliseconds(1);
  constexpr Duration kMax = std::chrono::hours(24);
  out.timeout = in.Time("timeout", {out.timeout, kMin, kMax},
                        "How long one question to one server may take.");
  out.min_ttl = in.Time("min_ttl", {out.min_ttl, Duration::zero(), kMax},
                        "Answers are kept at least this long, whatever their TTL.");
  out.max_ttl = in.Time("max_ttl", {out.max_ttl, kMin, kMax},
                        "Answers are kept at most this long, whatever their TTL.");
  if (out.min_ttl > out.max_ttl) {
    in.Error("min_ttl", config::FormatDuration(out.min_ttl) + " is more than max_ttl, " +
                            config::FormatDuration(out.max_ttl));
  }
}

void LoadLimits(config::Object in, proxy::LoopLimits& out) {
  constexpr uint64_t kMaxConnections = 10'000'000;
  constexpr uint64_t kMaxAccepts = 4096;
  out.max_connections = static_cast<uint32_t>(
      in.Uint("max_connections", {out.max_connections, 0, kMaxConnections},
              "Connections of clients at a time, over all listeners; more are answered with 503. "
              "0: only the listeners' own limits."));
  out.max_accepts_per_turn = static_cast<uint32_t>(
      in.Uint("max_accepts_per_turn", {out.max_accepts_per_turn, 1, kMaxAccepts},
              "Connections that a worker takes from one listener before it goes on with those that "
              "it has: fewer keep a flood of new clients from delaying the others."));
}

}  // namespace

RuntimeSettings LoadRuntime(config::Object in) {
  constexpr Duration kMax = std::chrono::hours(24);
  RuntimeSettings out;
  out.workers = LoadWorkers(in.Get(
      "workers",
      config::About("Threads that serve requests; auto is one for each core that this process may "
                    "use, by its affinity and its cgroup's quota.")
          .Default("auto")));
  out.drain_timeout =
      in.Time("drain_timeout", {out.drain_timeout, Duration::zero(), kMax},
              "How long requests may go on when the gateway drains; then they are cut off.");
  out.shutdown_delay =
      in.Time("shutdown_delay", {out.shutdown_delay, Duration::zero(), kMax},
              "From failing readiness to closing the listeners, so that load balancers notice.");
  out.state_dir =
      in.String("state_dir", out.state_dir,
                config::About("Folder for what must outlast the process, such as entries of "
                              "ip_access; without one, nothing does.")
                    .Type("path"));
  using Name = std::string_view;
  out.log_level =
      in.Enum<Name>("log_level",
                    {{"debug", "debug"},
                     {"info", "info"},
                     {"warning", "warning"},
                     {"error", "error"},
                     {"off", "off"}},
                    out.log_level, "How much the operational log says, on standard error.");
  LoadLimits(in.Child("limits", "What the process and each of its loops may take on."), out.limits);
  LoadDns(in.Child("dns", "How hostnames of endpoints are resolved."), out.dns);
  return out;
}

}  // namespace gatehouse::server

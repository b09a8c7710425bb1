// SPDX-License-Identifier: Apache-2.0
// Questions to DNS servers, or to the hosts file, by c-ares on a loop.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "source/base/clock.h"
#include "source/base/error.h"
#include "source/base/ip.h"
#include "source/event/deadline.h"
#include "source/event/fd_watch.h"
#include "source/event/loop.h"
#include "source/upstream/dns/host_watch.h"

struct ares_channeldata;

namespace gatehouse::upstream {

// What came of one question.
struct DnsAnswer {
  enum class Kind : uint8_t {
    kAddresses,
    kNone,    // The name does not exist, or has no addresses of that family.
    kFailed,  // Nobody knows: no answer, a refusal, garbage.
  };
  Kind kind = Kind::kFailed;
  std::vector<IpAddress> addresses;
  Duration ttl{};   // The least of the records on the way.
  std::string why;  // Unless kAddresses.
};

// Loop thread only.
class DnsChannel final : private event::Deadline {
 public:
  using Done = std::function<void(const DnsAnswer&)>;
  enum class Source : uint8_t { kHostsFile, kServers };

  // Reads the system's configuration (resolv.conf), unless `settings` names servers.
  static Result<std::unique_ptr<DnsChannel>> Create(event::Loop& loop,
                                                    const ResolverSettings& settings,
                                                    Source source);
  // Questions under way are dropped without an answer.
  ~DnsChannel();
  DnsChannel(const DnsChannel&) = delete;
  DnsChannel& operator=(const DnsChannel&) = delete;

  // Asks for the addresses of `name`; `family` is AF_INET, AF_INET6 or AF_UNSPEC. `done` may be
  // called from inside; with kHostsFile it always is. It must not destroy the channel.
  void Ask(const std::string& name, int family, Done done);
  // Whether no question is under way.
  bool idle() const { return pending_ == 0; }

 private:
  struct Question;
  explicit DnsChannel(event::Loop& loop) : loop_(loop) {}
  Result<void> Init(const ResolverSettings& settings, Source source);
  void WatchSocket(int fd, bool read, bool write);
  void OnSocketReady(int fd, bool readable, bool writable);
  void OnDeadline() override;
  // Sets the deadline to when c-ares wants to be called next.
  void ArmDeadline();

  event::Loop& loop_;
  ares_channeldata* channel_ = nullptr;
  std::map<int, std::unique_ptr<event::FdWatch>> sockets_;
  size_t pending_ = 0;
};

}  // namespace gatehouse::upstream

// SPDX-License-Identifier: Apache-2.0
// What is known about one name, who wants to know, and when to ask again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/event/deadline.h"
#include "source/event/loop.h"
#include "source/upstream/dns/dns_channel.h"
#include "source/upstream/dns/host_watch.h"

namespace gatehouse::upstream {

// Owned by its subscribers. Loop thread only.
class Hostname final : public std::enable_shared_from_this<Hostname>,
                       private event::Deadline,
                       private event::Ready {
 public:
  struct Subscriber {
    Resolver::Changed changed;
    uint64_t told = 0;  // The version it knows.
    bool gone = false;
  };
  // The two questions of one round: an answer for each family, from inside or later.
  using Ask = std::function<void(const std::shared_ptr<Hostname>&)>;

  Hostname(event::Loop& loop, const ResolverSettings& settings, std::string name, Ask ask);

  // Asks for the first time. REQUIRES: held by a shared_ptr.
  void Start();
  // Nothing is asked or told any more: the resolver goes away.
  void Abandon();

  std::shared_ptr<Subscriber> Add(Resolver::Changed changed);
  void Remove(Subscriber& subscriber);

  const std::string& name() const { return name_; }
  // The answer to one of the two questions; `family` is AF_INET or AF_INET6. The round ends with
  // the second.
  void OnAnswer(int family, const DnsAnswer& answer);

 private:
  struct Family {
    std::vector<IpAddress> addresses;
    DnsAnswer latest;
  };
  void OnDeadline() override;
  void OnReady() override;
  // After both answers: what they mean together, and when to ask again.
  void Conclude();
  // How long the answers may be believed.
  Duration Lifetime() const;
  void Publish(std::optional<std::string> error);

  event::Loop& loop_;
  const ResolverSettings settings_;
  const std::string name_;
  Ask ask_;
  std::vector<std::shared_ptr<Subscriber>> subscribers_;

  Family v4_;
  Family v6_;
  int awaited_ = 0;                          // Answers that are still to come.
  std::optional<MonotonicTime> none_since_;  // Servers say there is nothing, since then.

  uint64_t version_ = 0;  // Of what follows; 0: nothing is known yet.
  std::vector<IpAddress> addresses_;
  std::optional<Error> error_;
};

}  // namespace gatehouse::upstream

// SPDX-License-Identifier: Apache-2.0
// A resolver whose answers the test gives.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/upstream/dns/host_watch.h"

namespace gatehouse::server {

class FakeResolver final : public upstream::Resolver {
 public:
  std::unique_ptr<upstream::HostWatch> Watch(const std::string& hostname,
                                             Changed changed) override {
    return std::make_unique<Watching>(*this, hostname, std::move(changed));
  }

  // Tells everybody who watches `hostname`.
  void Answer(const std::string& hostname, const std::vector<std::string>& addresses,
              const std::string& error = "") {
    std::vector<IpAddress> ips;
    for (const std::string& address : addresses) {
      ips.push_back(*ParseIp(address));
    }
    const Error why{ErrorCode::kIo, ErrorSource::kUpstream, error};
    for (Watching* watching : watching_) {
      if (watching->hostname == hostname) {
        watching->changed(ips, error.empty() ? nullptr : &why);
      }
    }
  }
  size_t watches() const { return watching_.size(); }

 private:
  struct Watching final : upstream::HostWatch {
    Watching(FakeResolver& owner_in, std::string hostname_in, Changed changed_in)
        : owner(owner_in), hostname(std::move(hostname_in)), changed(std::move(changed_in)) {
      owner.watching_.push_back(this);
    }
    ~Watching() override { std::erase(owner.watching_, this); }

    FakeResolver& owner;
    const std::string hostname;
    const Changed changed;
  };

  std::vector<Watching*> watching_;
};

}  // namespace gatehouse::server

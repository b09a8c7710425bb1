// SPDX-License-Identifier: Apache-2.0
// As the C library does it: what the hosts file says about a name goes before any server. It has no
// TTL, so it is read again every 30 seconds (within min_ttl and max_ttl).
//
// A and AAAA are separate questions, so that a lost or refused AAAA neither delays nor removes
// anything that A found, and the other way round.
#include <sys/socket.h>

#include <algorithm>
#include <map>
#include <utility>

#include "source/base/text.h"
#include "source/upstream/dns/dns_channel.h"
#include "source/upstream/dns/host_watch.h"
#include "source/upstream/dns/hostname.h"

namespace gatehouse::upstream {
namespace {

constexpr Duration kHostsFileTtl = std::chrono::seconds(30);

class Subscription final : public HostWatch {
 public:
  Subscription(std::shared_ptr<Hostname> name, Resolver::Changed changed)
      : name_(std::move(name)), subscriber_(name_->Add(std::move(changed))) {}
  ~Subscription() override { name_->Remove(*subscriber_); }

 private:
  std::shared_ptr<Hostname> name_;
  std::shared_ptr<Hostname::Subscriber> subscriber_;
};

class DnsResolver final : public Resolver {
 public:
  DnsResolver(event::Loop& loop, const ResolverSettings& settings)
      : loop_(loop), settings_(settings) {}
  ~DnsResolver() override;
  std::unique_ptr<HostWatch> Watch(const std::string& hostname, Changed changed) override;

 private:
  void Ask(const std::shared_ptr<Hostname>& name);
  // True when the hosts file knows the name, and the answers have been given.
  bool AnswerFromHostsFile(Hostname& name);
  void AskServers(const std::shared_ptr<Hostname>& name, int family);
  // Opens the channels, and opens them again when resolv.conf may have changed.
  void OpenChannels();

  event::Loop& loop_;
  const ResolverSettings settings_;
  std::unique_ptr<DnsChannel> hosts_file_;
  std::unique_ptr<DnsChannel> servers_;
  std::string trouble_;          // Why there is no channel.
  bool servers_failed_ = false;  // Since they were read from resolv.conf.
  std::map<std::string, std::weak_ptr<Hostname>> names_;
};

DnsResolver::~DnsResolver() {
  for (const auto& [text, name] : names_) {
    if (const std::shared_ptr<Hostname> alive = name.lock()) {
      alive->Abandon();
    }
  }
}

std::unique_ptr<HostWatch> DnsResolver::Watch(const std::string& hostname, Changed changed) {
  std::erase_if(names_, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<Hostname>& known = names_[Lowercase(hostname)];
  std::shared_ptr<Hostname> name = known.lock();
  const bool is_new = name == nullptr;
  if (is_new) {
    name = std::make_shared<Hostname>(
        loop_, settings_, Lowercase(hostname),
        [this](const std::shared_ptr<Hostname>& asking) { Ask(asking); });
    known = name;
  }
  auto watch = std::make_unique<Subscription>(name, std::move(changed));
  if (is_new) {
    name->Start();
  }
  return watch;
}

void DnsResolver::OpenChannels() {
  const bool by_system = settings_.servers.empty();
  if (by_system && hosts_file_ == nullptr) {
    if (auto made = DnsChannel::Create(loop_, settings_, DnsChannel::Source::kHostsFile)) {
      hosts_file_ = *std::move(made);
    }
  }
  if (by_system && servers_failed_ && servers_ != nullptr && servers_->idle()) {
    servers_.reset();
  }
  if (servers_ == nullptr) {
    servers_failed_ = false;
    auto made = DnsChannel::Create(loop_, settings_, DnsChannel::Source::kServers);
    trouble_ = made ? "" : made.error().message;
    servers_ = made ? *std::move(made) : nullptr;
  }
}

void DnsResolver::Ask(const std::shared_ptr<Hostname>& name) {
  OpenChannels();
  if (servers_ == nullptr) {
    DnsAnswer failed;
    failed.why = trouble_;
    name->OnAnswer(AF_INET, failed);
    name->OnAnswer(AF_INET6, failed);
  } else if (!AnswerFromHostsFile(*name)) {
    AskServers(name, AF_INET);
    AskServers(name, AF_INET6);
  }
}

bool DnsResolver::AnswerFromHostsFile(Hostname& name) {
  DnsAnswer found;
  if (hosts_file_ != nullptr) {
    hosts_file_->Ask(name.name(), AF_UNSPEC, [&](const DnsAnswer& answer) { found = answer; });
  }
  if (found.kind != DnsAnswer::Kind::kAddresses) {
    return false;
  }
  DnsAnswer v4;
  DnsAnswer v6;
  for (const IpAddress& ip : found.addresses) {
    (ip.IsV4() ? v4 : v6).addresses.push_back(ip);
  }
  for (DnsAnswer* answer : {&v4, &v6}) {
    answer->ttl = kHostsFileTtl;
    answer->kind = answer->addresses.empty() ? DnsAnswer::Kind::kNone : DnsAnswer::Kind::kAddresses;
  }
  name.OnAnswer(AF_INET, v4);
  name.OnAnswer(AF_INET6, v6);
  return true;
}

void DnsResolver::AskServers(const std::shared_ptr<Hostname>& name, int family) {
  servers_->Ask(name->name(), family,
                [this, family, name = std::weak_ptr(name)](const DnsAnswer& answer) {
                  if (answer.kind == DnsAnswer::Kind::kFailed) {
                    servers_failed_ = true;
                  }
                  if (const std::shared_ptr<Hostname> asking = name.lock()) {
                    asking->OnAnswer(family, answer);
                  }
                });
}

}  // namespace

std::unique_ptr<Resolver> Resolver::Create(event::Loop& loop, const ResolverSettings& settings) {
  return std::make_unique<DnsResolver>(loop, settings);
}

}  // namespace gatehouse::upstream

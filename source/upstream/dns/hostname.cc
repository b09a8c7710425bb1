// SPDX-License-Identifier: Apache-2.0
#include "source/upstream/dns/hostname.h"

#include <sys/socket.h>

#include <algorithm>
#include <utility>

namespace gatehouse::upstream {
namespace {

// After a round of which one half failed, the whole is asked for again at least so soon.
constexpr Duration kHalfAnswered = std::chrono::seconds(30);

// IPv4 first, each family in order, without duplicates.
std::vector<IpAddress> Union(const std::vector<IpAddress>& v4, const std::vector<IpAddress>& v6) {
  const auto less = [](const IpAddress& a, const IpAddress& b) { return a.bytes < b.bytes; };
  std::vector<IpAddress> out;
  for (const std::vector<IpAddress>* family : {&v4, &v6}) {
    const auto begin = static_cast<ptrdiff_t>(out.size());
    out.insert(out.end(), family->begin(), family->end());
    std::sort(out.begin() + begin, out.end(), less);
    out.erase(std::unique(out.begin() + begin, out.end()), out.end());
  }
  return out;
}

}  // namespace

Hostname::Hostname(event::Loop& loop, const ResolverSettings& settings, std::string name, Ask ask)
    : loop_(loop), settings_(settings), name_(std::move(name)), ask_(std::move(ask)) {}

void Hostname::Start() { OnDeadline(); }

void Hostname::Abandon() {
  ask_ = nullptr;
  Disarm();
  Ready::Unlink();
}

std::shared_ptr<Hostname::Subscriber> Hostname::Add(Resolver::Changed changed) {
  auto subscriber = std::make_shared<Subscriber>(Subscriber{std::move(changed)});
  subscribers_.push_back(subscriber);
  if (version_ > 0) {
    loop_.Queue(*this);
  }
  return subscriber;
}

void Hostname::Remove(Subscriber& subscriber) {
  subscriber.gone = true;
  std::erase_if(subscribers_, [&](const auto& one) { return one.get() == &subscriber; });
}

void Hostname::OnDeadline() {
  if (ask_) {
    awaited_ = 2;
    ask_(shared_from_this());
  }
}

void Hostname::OnAnswer(int family, const DnsAnswer& answer) {
  if (!ask_) {
    return;
  }
  Family& known = family == AF_INET ? v4_ : v6_;
  known.latest = answer;
  if (answer.kind == DnsAnswer::Kind::kAddresses) {
    known.addresses = answer.addresses;
  }
  if (--awaited_ == 0) {
    Conclude();
  } else if (answer.kind == DnsAnswer::Kind::kAddresses) {
    Publish(std::nullopt);  // The other half may take long, or for ever (servers that ignore AAAA).
  }
}

void Hostname::Conclude() {
  using Kind = DnsAnswer::Kind;
  const Kind v4 = v4_.latest.kind;
  const Kind v6 = v6_.latest.kind;
  std::optional<std::string> error;
  Duration next = settings_.retry;
  if (v4 == Kind::kAddresses || v6 == Kind::kAddresses) {
    // The name exists: a family that has no addresses now has lost those it had.
    for (Family* family : {&v4_, &v6_}) {
      if (family->latest.kind == Kind::kNone) {
        family->addresses.clear();
      }
    }
    none_since_.reset();
    next = Lifetime();
  } else if (v4 == Kind::kNone && v6 == Kind::kNone) {
    error = v4_.latest.why;
    none_since_ = none_since_.value_or(loop_.now());
    if (loop_.now() - *none_since_ >= settings_.hold_vanished) {
      v4_.addresses.clear();
      v6_.addresses.clear();
    }
  } else {
    error = v4 == Kind::kFailed ? v4_.latest.why : v6_.latest.why;
  }
  Publish(std::move(error));
  loop_.deadlines().ArmAfter(*this, next);
}

Duration Hostname::Lifetime() const {
  Duration ttl = settings_.max_ttl;
  for (const Family* family : {&v4_, &v6_}) {
    if (family->latest.kind == DnsAnswer::Kind::kAddresses) {
      ttl = std::min(ttl, family->latest.ttl);
    } else if (family->latest.kind == DnsAnswer::Kind::kFailed) {
      ttl = std::min(ttl, std::max(kHalfAnswered, settings_.retry));
    }
  }
  return std::max(ttl, settings_.min_ttl);
}

void Hostname::Publish(std::optional<std::string> why) {
  std::vector<IpAddress> addresses = Union(v4_.addresses, v6_.addresses);
  std::optional<Error> error;
  if (why) {
    error = Error{ErrorCode::kIo, ErrorSource::kUpstream, "can't resolve " + name_ + ": " + *why};
  }
  const bool same_error =
      error.has_value() == error_.has_value() && (!error || error->message == error_->message);
  if (version_ > 0 && same_error && addresses == addresses_) {
    return;
  }
  ++version_;
  addresses_ = std::move(addresses);
  error_ = std::move(error);
  loop_.Queue(*this);
}

void Hostname::OnReady() {
  const std::shared_ptr<Hostname> self = shared_from_this();  // Callbacks may drop the last watch.
  const std::vector<std::shared_ptr<Subscriber>> now = subscribers_;
  for (const std::shared_ptr<Subscriber>& subscriber : now) {
    if (!subscriber->gone && subscriber->told != version_) {
      subscriber->told = version_;
      subscriber->changed(addresses_, error_ ? &*error_ : nullptr);
    }
  }
}

}  // namespace gatehouse::upstream

// SPDX-License-Identifier: Apache-2.0
#include "source/server/listening.h"

#include <sys/socket.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "source/base/ip.h"

namespace gatehouse::server {
namespace {

const proxy::ListenerPlan* Find(const proxy::Snapshot& snapshot, uint32_t id) {
  const auto at = std::find_if(snapshot.listeners.begin(), snapshot.listeners.end(),
                               [&](const proxy::ListenerPlan& plan) { return plan.id == id; });
  return at == snapshot.listeners.end() ? nullptr : &*at;
}

bool SameAddress(const event::SocketAddress& a, const event::SocketAddress& b) {
  return a.ToString() == b.ToString();
}

}  // namespace

Result<event::SocketAddress> ListenAddress(const config::Address& address) {
  if (address.kind == config::Address::Kind::kUnix) {
    return event::SocketAddress::FromUnixPath(address.host);
  }
  const std::optional<IpAddress> ip =
      ParseIp(address.host == "localhost" ? "127.0.0.1" : address.host);
  if (!ip) {
    return Fail(ErrorCode::kInvalidConfig, ErrorSource::kConfig,
                address.ToString() + " is not an IP address with a port");
  }
  return event::SocketAddress::FromIp(*ip, address.port);
}

void RefuseNewConnections(const event::ListeningSockets& sockets) {
  if (sockets.address().family() == AF_UNIX) {
    return;
  }
  // Bound to an interface that doesn't exist, a socket is found for no new segment. Handshakes
  // under way have their socket already. Needs no privilege, since Linux 5.7.
  const int nowhere = std::numeric_limits<int>::max();
  for (const int fd : sockets.fds()) {
    setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &nowhere, sizeof(nowhere));
  }
}

// The time that connections that are nearly made are given.
class Listening::Pause final : private event::Deadline {
 public:
  Pause(Listening& owner, std::function<void()> then) : owner_(owner), then_(std::move(then)) {
    owner_.control_.deadlines().ArmAfter(*this, kHandshakeGrace);
  }

 private:
  void OnDeadline() override {
    const std::function<void()> then = std::move(then_);
    owner_.EndPause(this);
    then();
  }

  Listening& owner_;
  std::function<void()> then_;
};

Listening::Listening(event::Loop& control, const WorkerThreads& workers)
    : control_(control), workers_(workers) {}

Listening::~Listening() = default;

Result<Listening::Sockets> Listening::Bind(const proxy::Snapshot& next, size_t workers) const {
  Sockets fresh;
  for (const proxy::ListenerPlan& plan : next.listeners) {
    if (bound_.contains(plan.id)) {
      continue;
    }
    const Result<event::SocketAddress> address = ListenAddress(plan.settings->address);
    if (!address) {
      return tl::unexpected(address.error());
    }
    const auto taken_over = std::find_if(bound_.begin(), bound_.end(), [&](const auto& old) {
      return Find(next, old.first) == nullptr && SameAddress(old.second->address(), *address);
    });
    if (taken_over != bound_.end()) {
      fresh[plan.id] = taken_over->second;
      continue;
    }
    auto sockets = event::ListeningSockets::Bind(*address, workers, SharingFor(*address, next));
    if (!sockets) {
      return Fail(sockets.error().code, sockets.error().source,
                  "listener " + plan.settings->name + ": " + sockets.error().message);
    }
    fresh[plan.id] = std::move(*sockets);
  }
  return fresh;
}

Listening::Sockets Listening::Leaving(const proxy::Snapshot& next, const Sockets& fresh) const {
  Sockets leaving;
  for (const auto& entry : bound_) {
    const bool passed_on = std::any_of(fresh.begin(), fresh.end(), [&](const auto& other) {
      return other.second == entry.second;
    });
    if (!passed_on && Find(next, entry.first) == nullptr) {
      leaving.insert(entry);
    }
  }
  return leaving;
}

// 0.0.0.0:80 may become 127.0.0.1:80 while the former is still bound.
event::ListeningSockets::Sharing Listening::SharingFor(const event::SocketAddress& address,
                                                       const proxy::Snapshot& next) const {
  const bool overlaps = std::any_of(bound_.begin(), bound_.end(), [&](const auto& old) {
    const event::SocketAddress& other = old.second->address();
    return Find(next, old.first) == nullptr && address.port() != 0 &&
           other.port() == address.port() && other.family() == address.family();
  });
  return overlaps ? event::ListeningSockets::Sharing::kAllow
                  : event::ListeningSockets::Sharing::kRefuse;
}

void Listening::Prepare(const proxy::Snapshot& next, const Sockets& fresh,
                        std::function<void()> then) {
  const Sockets leaving = Leaving(next, fresh);
  if (leaving.empty()) {
    then();
  } else {
    RefuseThen(leaving, std::move(then));
  }
}

void Listening::RefuseThen(const Sockets& leaving, std::function<void()> then) {
  for (const auto& [id, sockets] : leaving) {
    RefuseNewConnections(*sockets);
  }
  pauses_.push_back(std::make_unique<Pause>(*this, std::move(then)));
}

void Listening::EndPause(const Pause* pause) {
  std::erase_if(pauses_, [&](const auto& one) { return one.get() == pause; });
}

// What one worker does, in this order: what is queued on an address that goes is still taken under
// the configuration it was made for.
struct Listening::Switching {
  std::vector<uint32_t> given_up;
  std::shared_ptr<const proxy::Snapshot> next;
  std::vector<std::pair<uint32_t, int>> accepted;  // Listener and descriptor.

  void operator()(proxy::Worker& worker) const {
    for (const uint32_t id : given_up) {
      worker.StopAccepting(id, true);
    }
    worker.SetSnapshot(next);
    for (const auto& [id, fd] : accepted) {
      worker.Accept(id, fd);
    }
  }
};

void Listening::Switch(const std::shared_ptr<const proxy::Snapshot>& next, const Sockets& fresh,
                       std::function<void()> done) {
  std::vector<Switching> switching(workers_.size());
  Sockets old;
  for (const auto& entry : bound_) {
    if (Find(*next, entry.first) == nullptr) {
      old.insert(entry);
    }
  }
  for (Switching& one : switching) {
    one.next = next;
    for (const auto& [id, sockets] : old) {
      one.given_up.push_back(id);
    }
  }
  for (const auto& [id, sockets] : fresh) {
    const std::vector<int>& fds = sockets->fds();
    for (size_t i = 0; i < fds.size(); ++i) {
      switching[i % switching.size()].accepted.emplace_back(id, fds[i]);
    }
  }
  std::erase_if(bound_, [&](const auto& entry) { return old.contains(entry.first); });
  bound_.insert(fresh.begin(), fresh.end());
  // The old sockets stay open until no worker uses them.
  PostToEach(workers_, control_, std::move(switching), [old, done = std::move(done)] { done(); });
}

void Listening::GiveUpAll(std::function<void()> done) {
  RefuseThen(bound_, [this, done = std::move(done)] {
    const Sockets old = std::exchange(bound_, {});
    auto stop = [old](proxy::Worker& worker) {
      for (const auto& [id, sockets] : old) {
        worker.StopAccepting(id, true);
      }
    };
    PostToEach(workers_, control_, std::vector(workers_.size(), stop), done);
  });
}

std::vector<admin::BoundListener> Listening::Bound() const {
  std::vector<admin::BoundListener> out;
  for (const auto& [id, sockets] : bound_) {
    out.push_back({id, sockets->address().ToString(), sockets->fds().size()});
  }
  return out;
}

}  // namespace gatehouse::server

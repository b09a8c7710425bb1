// SPDX-License-Identifier: Apache-2.0
#include "source/server/listening.h"

#include <linux/filter.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

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
  // On the TCP header: a segment with SYN (bit 1 of byte 13) is dropped, any other is taken.
  std::array<sock_filter, 4> program{{{BPF_LD | BPF_B | BPF_ABS, 0, 0, 13},
                                      {BPF_JMP | BPF_JSET | BPF_K, 0, 1, 0x02},
                                      {BPF_RET | BPF_K, 0, 0, 0},
                                      {BPF_RET | BPF_K, 0, 0, 0xffffffff}}};
  const sock_fprog filter{program.size(), program.data()};
  for (const int fd : sockets.fds()) {
    // A kernel without it closes a little less gracefully.
    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter));
  }
}

// Sockets on their way out, for as long as connections may still be made.
class Listening::Retiring final : private event::Deadline {
 public:
  Retiring(Listening& owner, Sockets sockets, std::function<void()> done)
      : owner_(owner), sockets_(std::move(sockets)), done_(std::move(done)) {
    for (const auto& [id, one] : sockets_) {
      RefuseNewConnections(*one);
    }
    owner_.control_.deadlines().ArmAfter(*this, kHandshakeGrace);
  }

 private:
  void OnDeadline() override {
    owner_.StopAccepting(sockets_, [this] {
      const std::function<void()> done = std::move(done_);
      owner_.Forget(this);
      if (done) {
        done();
      }
    });
  }

  Listening& owner_;
  Sockets sockets_;
  std::function<void()> done_;
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
    auto sockets = event::ListeningSockets::Bind(*address, workers);
    if (!sockets) {
      return Fail(sockets.error().code, sockets.error().source,
                  "listener " + plan.settings->name + ": " + sockets.error().message);
    }
    fresh[plan.id] = std::move(*sockets);
  }
  return fresh;
}

void Listening::Switch(const proxy::Snapshot& next, Sockets fresh) {
  Sockets retired;
  for (auto at = bound_.begin(); at != bound_.end();) {
    if (Find(next, at->first) != nullptr) {
      ++at;
      continue;
    }
    const bool passed_on = std::any_of(
        fresh.begin(), fresh.end(), [&](const auto& entry) { return entry.second == at->second; });
    if (passed_on) {
      StopAccepting({*at}, nullptr);
    } else {
      retired.insert(*at);
    }
    at = bound_.erase(at);
  }
  for (const auto& [id, sockets] : fresh) {
    Lend(id, *sockets);
  }
  bound_.merge(fresh);
  if (!retired.empty()) {
    Retire(std::move(retired), nullptr);
  }
}

void Listening::GiveUpAll(std::function<void()> done) {
  Retire(std::move(bound_), std::move(done));
}

std::vector<admin::BoundListener> Listening::Bound() const {
  std::vector<admin::BoundListener> out;
  for (const auto& [id, sockets] : bound_) {
    out.push_back({id, sockets->address().ToString(), sockets->fds().size()});
  }
  return out;
}

// One descriptor per worker; the single one of a unix socket goes to one of them, by its id.
void Listening::Lend(uint32_t id, const event::ListeningSockets& sockets) {
  const std::vector<int>& fds = sockets.fds();
  const size_t first = fds.size() == 1 ? id % workers_.size() : 0;
  for (size_t i = 0; i < fds.size(); ++i) {
    workers_[(first + i) % workers_.size()]->Post(
        [id, fd = fds[i]](proxy::Worker& worker) { worker.Accept(id, fd); });
  }
}

void Listening::Retire(Sockets old, std::function<void()> done) {
  retiring_.push_back(std::make_unique<Retiring>(*this, std::move(old), std::move(done)));
}

void Listening::StopAccepting(const Sockets& old, std::function<void()> done) {
  std::vector<uint32_t> ids;
  for (const auto& [id, sockets] : old) {
    ids.push_back(id);
  }
  // The sockets stay open until no worker uses them.
  PostToAll(
      workers_, control_,
      [ids](proxy::Worker& worker) {
        for (const uint32_t id : ids) {
          worker.StopAccepting(id, true);
        }
      },
      [old, done = std::move(done)] {
        if (done) {
          done();
        }
      });
}

void Listening::Forget(const Retiring* retiring) {
  std::erase_if(retiring_, [&](const auto& one) { return one.get() == retiring; });
}

}  // namespace gatehouse::server

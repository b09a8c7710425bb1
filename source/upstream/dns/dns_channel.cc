// SPDX-License-Identifier: Apache-2.0
#include "source/upstream/dns/dns_channel.h"

#include <ares.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <limits>
#include <utility>

namespace gatehouse::upstream {
namespace {

// c-ares doubles its timeout from one round over the servers to the next.
constexpr int kTries = 2;

std::string Why(int status) {
  switch (status) {
    case ARES_ENOTFOUND:
      return "no such name";
    case ARES_ENODATA:
      return "it has no addresses";
    case ARES_ECONNREFUSED:  // What c-ares says when it has run out of servers.
      return "no server gave an answer (unreachable, SERVFAIL or REFUSED)";
    case ARES_ETIMEOUT:
      return "no server answered in time";
    case ARES_EBADRESP:
      return "the answer makes no sense";
    default:
      return ares_strerror(status);
  }
}

DnsAnswer ToAnswer(int status, const ares_addrinfo* info) {
  DnsAnswer out;
  if (status != ARES_SUCCESS) {
    const bool none = status == ARES_ENOTFOUND || status == ARES_ENODATA;
    out.kind = none ? DnsAnswer::Kind::kNone : DnsAnswer::Kind::kFailed;
    out.why = Why(status);
    return out;
  }
  int ttl = std::numeric_limits<int>::max();
  for (const ares_addrinfo_node* node = info->nodes; node != nullptr; node = node->ai_next) {
    IpAddress ip;
    if (node->ai_family == AF_INET) {
      ip.bytes[10] = ip.bytes[11] = 0xff;
      const auto* in = reinterpret_cast<const sockaddr_in*>(node->ai_addr);
      std::memcpy(ip.bytes.data() + 12, &in->sin_addr, 4);
    } else if (node->ai_family == AF_INET6) {
      const auto* in = reinterpret_cast<const sockaddr_in6*>(node->ai_addr);
      std::memcpy(ip.bytes.data(), &in->sin6_addr, 16);
    } else {
      continue;
    }
    out.addresses.push_back(ip);
    ttl = std::min(ttl, node->ai_ttl);
  }
  for (const ares_addrinfo_cname* name = info->cnames; name != nullptr; name = name->next) {
    ttl = std::min(ttl, name->ttl);
  }
  out.kind = out.addresses.empty() ? DnsAnswer::Kind::kNone : DnsAnswer::Kind::kAddresses;
  out.why = out.addresses.empty() ? Why(ARES_ENODATA) : "";
  out.ttl = std::chrono::seconds(std::max(0, ttl));  // RFC 2181 section 8: negative counts as 0.
  return out;
}

}  // namespace

struct DnsChannel::Question {
  DnsChannel& channel;
  Done done;
};

Result<std::unique_ptr<DnsChannel>> DnsChannel::Create(event::Loop& loop,
                                                       const ResolverSettings& settings,
                                                       Source source) {
  std::unique_ptr<DnsChannel> out(new DnsChannel(loop));
  if (const Result<void> made = out->Init(settings, source); !made) {
    return tl::unexpected<Error>(made.error());
  }
  return out;
}

Result<void> DnsChannel::Init(const ResolverSettings& settings, Source source) {
  const auto fail = [](int status) {
    return Fail(ErrorCode::kIo, ErrorSource::kInternal,
                std::string("can't set name resolution up: ") + ares_strerror(status));
  };
  std::array<char, 2> lookups = {source == Source::kHostsFile ? 'f' : 'b', '\0'};
  ares_options options{};
  options.lookups = lookups.data();
  options.tries = kTries;
  options.timeout = static_cast<int>(
      std::max<int64_t>(1, std::chrono::ceil<std::chrono::milliseconds>(settings.timeout).count()));
  options.sock_state_cb_data = this;
  options.sock_state_cb = [](void* self, int fd, int readable, int writable) {
    static_cast<DnsChannel*>(self)->WatchSocket(fd, readable != 0, writable != 0);
  };
  int mask = ARES_OPT_LOOKUPS | ARES_OPT_TRIES | ARES_OPT_TIMEOUTMS | ARES_OPT_SOCK_STATE_CB;
  if (!settings.servers.empty()) {
    mask |= ARES_OPT_DOMAINS;  // None: those of resolv.conf belong to its servers.
  }
  int status = ares_library_init(ARES_LIB_INIT_ALL);  // Counts its callers; undone when destroyed.
  if (status == ARES_SUCCESS) {
    status = ares_init_options(&channel_, &options, mask);
  }
  if (status != ARES_SUCCESS) {
    return fail(status);
  }
  std::string servers;
  for (const std::string& server : settings.servers) {
    servers.append(servers.empty() ? "" : ",").append(server);
  }
  if (!servers.empty()) {
    status = ares_set_servers_ports_csv(channel_, servers.c_str());
  }
  return status == ARES_SUCCESS ? Result<void>() : fail(status);
}

DnsChannel::~DnsChannel() {
  if (channel_ != nullptr) {
    ares_destroy(channel_);
  }
  ares_library_cleanup();
}

void DnsChannel::Ask(const std::string& name, int family, Done done) {
  ares_addrinfo_hints hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = ARES_AI_NOSORT;  // Sorting (RFC 6724) would open a socket for each address.
  ++pending_;
  ares_getaddrinfo(
      channel_, name.c_str(), nullptr, &hints,
      [](void* arg, int status, int, ares_addrinfo* info) {
        const std::unique_ptr<Question> question(static_cast<Question*>(arg));
        const std::unique_ptr<ares_addrinfo, void (*)(ares_addrinfo*)> owned(info,
                                                                             ares_freeaddrinfo);
        --question->channel.pending_;
        if (status != ARES_EDESTRUCTION) {
          question->done(ToAnswer(status, info));
        }
      },
      new Question{*this, std::move(done)});
  ArmDeadline();
}

void DnsChannel::WatchSocket(int fd, bool read, bool write) {
  sockets_.erase(fd);
  if (read || write) {
    sockets_[fd] = std::make_unique<event::FdWatch>(
        loop_, fd, read, write,
        [this, fd](bool readable, bool writable) { OnSocketReady(fd, readable, writable); });
  }
}

void DnsChannel::OnSocketReady(int fd, bool readable, bool writable) {
  ares_process_fd(channel_, readable ? fd : ARES_SOCKET_BAD, writable ? fd : ARES_SOCKET_BAD);
  ArmDeadline();
}

void DnsChannel::OnDeadline() {
  ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  ArmDeadline();
}

void DnsChannel::ArmDeadline() {
  timeval wait{};
  if (ares_timeout(channel_, nullptr, &wait) == nullptr) {
    Disarm();
    return;
  }
  loop_.deadlines().ArmAfter(
      *this, std::chrono::seconds(wait.tv_sec) + std::chrono::microseconds(wait.tv_usec));
}

}  // namespace gatehouse::upstream

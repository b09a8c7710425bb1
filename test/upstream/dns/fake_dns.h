// SPDX-License-Identifier: Apache-2.0
// A DNS server on loopback, on the loop of the test, over UDP and TCP on one port. Answers from a
// table, or misbehaves as told.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/base/ip.h"
#include "source/base/text.h"
#include "source/event/address.h"
#include "source/event/fd_watch.h"

namespace gatehouse::upstream {

constexpr uint16_t kA = 1;
constexpr uint16_t kCname = 5;
constexpr uint16_t kAaaa = 28;

struct FakeReply {
  enum class Manner : uint8_t {
    kProper,
    kSilent,
    kTruncated,  // Over UDP; the whole answer over TCP.
    kWrongId,    // Answers a question nobody asked.
    kShort,      // Three bytes.
    kCutOff,     // Ends in the middle of the records that it announces.
    kNameLoop,   // A compression pointer to itself.
  };
  std::vector<std::string> ips{};
  uint32_t ttl = 60;
  int rcode = 0;
  Manner manner = Manner::kProper;
  std::string cname{};  // The name is an alias of this one, for so long.
  uint32_t cname_ttl = 60;
};

class FakeDns {
 public:
  explicit FakeDns(event::Loop& loop) : loop_(loop) {
    for (int i = 0; i < 100 && !Bind(); ++i) {  // A port may be free for one of the two only.
    }
    EXPECT_EQ(listen(tcp_, 16), 0);
    udp_watch_ = std::make_unique<event::FdWatch>(loop, udp_, true, false,
                                                  [this](bool, bool) { OnDatagram(); });
    tcp_watch_ = std::make_unique<event::FdWatch>(loop, tcp_, true, false,
                                                  [this](bool, bool) { OnConnection(); });
  }
  ~FakeDns() {
    udp_watch_.reset();
    tcp_watch_.reset();
    connections_.clear();
    close(udp_);
    close(tcp_);
  }

  std::string address() const { return address_.ToString(); }

  // What is not in the table does not exist; of a name that is there, the type has no records.
  void Set(const std::string& name, uint16_t type, FakeReply reply) {
    replies_[{name, type}] = std::move(reply);
  }
  void SetBoth(const std::string& name, const FakeReply& reply) {
    Set(name, kA, reply);
    Set(name, kAaaa, reply);
  }
  void Clear() { replies_.clear(); }

  int udp_questions = 0;
  int tcp_questions = 0;
  std::function<void()> on_question;

 private:
  struct Query {
    uint16_t id = 0;
    std::string name;
    uint16_t type = 0;
    std::string question;  // As it came.
  };
  struct Connection {
    ~Connection() {
      watch.reset();
      close(fd);
    }
    int fd = -1;
    std::unique_ptr<event::FdWatch> watch;
  };

  bool Bind() {
    close(tcp_);
    close(udp_);
    tcp_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    udp_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    address_ = event::SocketAddress::FromIp(*ParseIp("127.0.0.1"), 0);
    EXPECT_EQ(bind(tcp_, address_.data(), address_.length), 0);
    getsockname(tcp_, reinterpret_cast<sockaddr*>(&address_.storage), &address_.length);
    return bind(udp_, address_.data(), address_.length) == 0;
  }

  static std::string U16(unsigned value) {
    return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
  }
  static std::string Name(std::string_view text) {
    std::string out;
    while (!text.empty()) {
      const std::string_view label = text.substr(0, text.find('.'));
      out += static_cast<char>(label.size());
      out += label;
      text.remove_prefix(std::min(text.size(), label.size() + 1));
    }
    return out + '\0';
  }

  static Query Parse(std::string_view packet) {
    const auto u16 = [&](size_t at) {
      return static_cast<uint16_t>(static_cast<uint8_t>(packet[at]) << 8 |
                                   static_cast<uint8_t>(packet[at + 1]));
    };
    Query out;
    out.id = u16(0);
    size_t at = 12;
    while (packet[at] != 0) {
      const auto length = static_cast<size_t>(packet[at]);
      out.name += (out.name.empty() ? "" : ".") + std::string(packet.substr(at + 1, length));
      at += 1 + length;
    }
    out.name = Lowercase(out.name);
    out.type = u16(at + 1);
    out.question = packet.substr(12, at + 5 - 12);
    return out;
  }

  FakeReply ReplyTo(const Query& query) const {
    const auto found = replies_.find({query.name, query.type});
    if (found != replies_.end()) {
      return found->second;
    }
    const bool exists =
        replies_.contains({query.name, kA}) || replies_.contains({query.name, kAaaa});
    FakeReply none;
    none.rcode = exists ? 0 : 3;  // NXDOMAIN.
    return none;
  }

  static std::string Record(const std::string& name, uint16_t type, uint32_t ttl,
                            const std::string& data) {
    return name + U16(type) + U16(1) + U16(ttl >> 16) + U16(ttl & 0xffff) +
           U16(static_cast<unsigned>(data.size())) + data;
  }

  static std::string Packet(const Query& query, const FakeReply& reply, bool truncated) {
    using Manner = FakeReply::Manner;
    if (reply.manner == Manner::kShort) {
      return "abc";
    }
    std::string owner = U16(0xc00c);
    std::string records;
    unsigned count = 0;
    if (!reply.cname.empty()) {
      records += Record(owner, kCname, reply.cname_ttl, Name(reply.cname));
      owner = Name(reply.cname);
      ++count;
    }
    for (const std::string& text : reply.ips) {
      const IpAddress ip = *ParseIp(text);
      if (ip.IsV4() != (query.type == kA)) {
        continue;
      }
      const auto* bytes = reinterpret_cast<const char*>(ip.bytes.data());
      records += Record(owner, query.type, reply.ttl,
                        ip.IsV4() ? std::string(bytes + 12, 4) : std::string(bytes, 16));
      ++count;
    }
    if (reply.manner == Manner::kCutOff) {
      records = records.substr(0, records.size() / 2);
    } else if (reply.manner == Manner::kNameLoop) {
      const auto here = static_cast<unsigned>(12 + query.question.size());
      records = Record(U16(0xc000 | here), query.type, 60, "1234");
      count = 1;
    } else if (truncated) {
      records.clear();
      count = 0;
    }
    const unsigned id = reply.manner == Manner::kWrongId ? query.id ^ 0x5555u : query.id;
    const unsigned flags =
        0x8180u | (truncated ? 0x0200u : 0u) | static_cast<unsigned>(reply.rcode);
    return U16(id) + U16(flags) + U16(1) + U16(count) + U16(0) + U16(0) + query.question + records;
  }

  void OnDatagram() {
    std::string packet(4096, '\0');
    sockaddr_storage from{};
    socklen_t length = sizeof(from);
    const ssize_t n = recvfrom(udp_, packet.data(), packet.size(), 0,
                               reinterpret_cast<sockaddr*>(&from), &length);
    if (n < 17) {
      return;
    }
    packet.resize(static_cast<size_t>(n));
    const Query query = Parse(packet);
    const FakeReply reply = ReplyTo(query);
    ++udp_questions;
    if (reply.manner != FakeReply::Manner::kSilent) {
      const std::string answer =
          Packet(query, reply, reply.manner == FakeReply::Manner::kTruncated);
      sendto(udp_, answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from), length);
    }
    if (on_question) {
      on_question();
    }
  }

  void OnConnection() {
    const int fd = accept4(tcp_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    auto connection = std::make_unique<Connection>();
    connection->fd = fd;
    connection->watch = std::make_unique<event::FdWatch>(loop_, fd, true, false,
                                                         [this, fd](bool, bool) { OnStream(fd); });
    connections_[fd] = std::move(connection);
  }

  void OnStream(int fd) {
    std::string packet(4096, '\0');
    const ssize_t n = recv(fd, packet.data(), packet.size(), 0);
    if (n < 19) {  // The end: questions come whole over loopback.
      connections_.erase(fd);
      return;
    }
    std::string_view rest(packet.data(), static_cast<size_t>(n));
    while (rest.size() > 2) {
      const size_t size = static_cast<uint8_t>(rest[0]) * 256u + static_cast<uint8_t>(rest[1]);
      const Query query = Parse(rest.substr(2, size));
      rest.remove_prefix(std::min(rest.size(), size + 2));
      ++tcp_questions;
      const std::string answer = Packet(query, ReplyTo(query), false);
      const std::string framed = U16(static_cast<unsigned>(answer.size())) + answer;
      EXPECT_EQ(send(fd, framed.data(), framed.size(), 0), static_cast<ssize_t>(framed.size()));
    }
  }

  event::Loop& loop_;
  event::SocketAddress address_;
  int udp_ = -1;
  int tcp_ = -1;
  std::unique_ptr<event::FdWatch> udp_watch_;
  std::unique_ptr<event::FdWatch> tcp_watch_;
  std::map<int, std::unique_ptr<Connection>> connections_;
  std::map<std::pair<std::string, uint16_t>, FakeReply> replies_;
};

}  // namespace gatehouse::upstream

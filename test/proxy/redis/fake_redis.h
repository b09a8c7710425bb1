// SPDX-License-Identifier: Apache-2.0
// A Redis on a real socket that says what a test wants it to.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/event/fd_watch.h"
#include "source/event/listener.h"
#include "source/event/loop.h"

namespace gatehouse::redis {

// On the loop of those who ask it.
class FakeRedis final : private event::Acceptor::Handler {
 public:
  using Command = std::vector<std::string>;
  // What is sent back, as bytes; may be none.
  using Answer = std::function<std::string(const Command&)>;

  // Port 0: a free one.
  FakeRedis(event::Loop& loop, Answer answer, uint16_t port = 0)
      : loop_(loop), answer_(std::move(answer)) {
    auto sockets =
        event::ListeningSockets::Bind(event::SocketAddress::FromIp(*ParseIp("127.0.0.1"), port), 1);
    EXPECT_TRUE(sockets.has_value()) << sockets.error().message;
    sockets_ = std::move(*sockets);
    acceptor_.reset(new event::Acceptor(loop, sockets_->fds()[0], *this));
  }
  ~FakeRedis() { Hang(); }

  uint16_t port() const { return sockets_->address().port(); }
  const std::vector<Command>& commands() const { return commands_; }
  int connections() const { return connections_; }
  // How often bytes came.
  int reads() const { return reads_; }
  bool connected() const { return fd_ >= 0; }

  // To the latest connection.
  void Say(std::string_view bytes) {
    EXPECT_EQ(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // The same, when it is all one whether it still listens.
  void Mumble(std::string_view bytes) { send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  // Closes it.
  void Hang() {
    watch_.reset();
    if (fd_ >= 0) {
      close(std::exchange(fd_, -1));
    }
    held_.clear();
  }

 private:
  void OnAccept(int fd, const event::SocketAddress&) override {
    Hang();
    fd_ = fd;
    ++connections_;
    watch_ = std::make_unique<event::FdWatch>(loop_, fd, true, false,
                                              [this](bool, bool) { OnReadable(); });
  }
  void OnAcceptError(int) override {}

  void OnReadable() {
    std::string bytes(1 << 20, '\0');
    const ssize_t n = recv(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (n <= 0) {
      Hang();
      return;
    }
    ++reads_;
    held_.append(bytes, 0, static_cast<size_t>(n));
    while (fd_ >= 0) {
      const Command command = TakeCommand();
      if (command.empty()) {
        return;
      }
      commands_.push_back(command);
      const std::string said = answer_(command);
      if (fd_ >= 0 && !said.empty()) {
        Say(said);
      }
    }
  }

  // The next whole one, or nothing.
  Command TakeCommand() {
    size_t at = 0;
    const auto number = [&](char kind) -> int {
      const size_t end = held_.find("\r\n", at);
      int value = -1;
      if (end != held_.npos && held_[at] == kind) {
        std::from_chars(held_.data() + at + 1, held_.data() + end, value);
        at = end + 2;
      }
      return value;
    };
    Command out;
    const int parts = number('*');
    for (int i = 0; i < parts; ++i) {
      const int size = number('$');
      if (size < 0 || held_.size() < at + static_cast<size_t>(size) + 2) {
        return {};
      }
      out.push_back(held_.substr(at, static_cast<size_t>(size)));
      at += static_cast<size_t>(size) + 2;
    }
    held_.erase(0, parts < 0 ? 0 : at);
    return out;
  }

  event::Loop& loop_;
  Answer answer_;
  std::unique_ptr<event::ListeningSockets> sockets_;
  std::unique_ptr<event::Acceptor> acceptor_;
  std::unique_ptr<event::FdWatch> watch_;
  int fd_ = -1;
  std::string held_;
  std::vector<Command> commands_;
  int connections_ = 0;
  int reads_ = 0;
};

}  // namespace gatehouse::redis

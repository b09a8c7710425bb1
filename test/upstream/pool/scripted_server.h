// SPDX-License-Identifier: Apache-2.0
// An endpoint of HTTP/2 on a port of this machine that says what a test tells it to, frame by
// frame.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/event/address.h"

namespace gatehouse::upstream {

// RFC 9113 section 6.
enum class FrameType : uint8_t {
  kData = 0,
  kHeaders = 1,
  kReset = 3,
  kSettings = 4,
  kPing = 6,
  kGoaway = 7,
  kWindowUpdate = 8,
};

struct Frame {
  FrameType type{};
  uint8_t flags = 0;
  uint32_t stream = 0;
  std::string payload;
};

// One connection to it. Its first SETTINGS are the test's to send.
class ScriptedPeer {
 public:
  explicit ScriptedPeer(int fd) : fd_(fd) {}
  ~ScriptedPeer();

  // Takes what has come. False once the other end has closed.
  bool Read();
  bool open() const { return open_; }
  const std::vector<Frame>& frames() const { return frames_; }
  // The streams on which HEADERS have come, in order.
  std::vector<uint32_t> requests() const;

  void Send(FrameType type, uint8_t flags, uint32_t stream, std::string_view payload);
  // `id` and `value` of one setting; 0: none.
  void SendSettings(uint16_t id = 0, uint32_t value = 0);
  // A head of status 200 that ends the message, or with `body` behind it.
  void Respond(uint32_t stream, std::string_view body = {});
  // RST_STREAM.
  void Reset(uint32_t stream, uint32_t code);
  void Goaway(uint32_t last, uint32_t code = 0);
  void Close();

 private:
  int fd_;
  bool open_ = true;
  bool preface_ = false;
  std::string in_;
  std::vector<Frame> frames_;
};

class ScriptedServer {
 public:
  ScriptedServer();
  ~ScriptedServer();

  uint16_t port() const { return port_; }
  // Accepts and reads what is there.
  void Poll();
  ScriptedPeer& peer(size_t i) { return *peers_.at(i); }
  size_t peers() const { return peers_.size(); }
  // Refuses further connections.
  void StopListening();

 private:
  int fd_;
  uint16_t port_ = 0;
  std::vector<std::unique_ptr<ScriptedPeer>> peers_;
};

}  // namespace gatehouse::upstream

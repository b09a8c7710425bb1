// SPDX-License-Identifier: Apache-2.0
// The records of a connection of TLS 1.3 behind its handshake, server side: what OpenSSL would do
// with them, without the object that it keeps for each connection, which is made for the handshake
// and takes more than ten times as much memory as all the rest (docs/adr/0003-tls13-records.md).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "source/base/buffer.h"
#include "source/event/socket_layer.h"
#include "source/tls/traffic_keys.h"

namespace gatehouse::tls {

// The application traffic secrets (RFC 8446 section 7.1), as the handshake ends.
struct TrafficSecrets {
  ~TrafficSecrets();

  uint16_t suite = 0;
  uint8_t client_size = 0;  // 0: not known.
  uint8_t server_size = 0;
  std::array<char, TrafficKeys::kMaxSecret> client;
  std::array<char, TrafficKeys::kMaxSecret> server;
  uint64_t sealed = 0;  // Records that the server has sent under its secret: tickets.
};

class Records {
 public:
  using State = event::SocketLayer::State;

  // Null when the suite is none of ours, or a secret is missing. `buffers` outlives it.
  static std::unique_ptr<Records> Make(const TrafficSecrets& secrets, BufferPool& buffers);
  // Takes whole records from the front of `wire` while their content fits into `into`; adds to
  // `*bytes`. kMore: there is more than fits.
  State Open(std::string_view& wire, char* into, size_t size, size_t* bytes, Buffer& out);
  bool Seal(std::string_view plain, Buffer& out);
  // close_notify.
  void Finish(Buffer& out);
  // Why it has failed: a literal; null while it has not.
  const char* failure() const { return failure_; }

 private:
  Records(const Suite& suite, const TrafficSecrets& secrets, BufferPool& buffers);

  State FindRecord(std::string_view wire, size_t* sealed, Buffer& out);
  State TakeRecord(std::string_view& wire, char* into, size_t size, size_t* bytes, Buffer& out);
  State Deliver(uint8_t type, std::string_view content, Buffer& out);
  State TakeAlert(std::string_view content, Buffer& out);
  State TakeHandshake(std::string_view content, Buffer& out);
  State Fail(uint8_t alert, const char* reason, Buffer& out);
  bool SealRecord(uint8_t type, std::string_view plain, Buffer& out);
  bool UpdateSeals(Buffer& out);

  TrafficKeys opens_;
  TrafficKeys seals_;
  Buffer plain_;  // Opened, and more than its owner wanted.
  const char* failure_ = nullptr;
  // A handshake message that is not whole: KeyUpdate, which has five bytes.
  std::array<char, 5> message_;
  uint8_t message_size_ = 0;
  uint16_t idle_records_ = 0;  // One after the other, without content.
  bool update_due_ = false;    // The peer has asked for new keys of ours.
};

}  // namespace gatehouse::tls

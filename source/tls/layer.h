// SPDX-License-Identifier: Apache-2.0
// One connection's TLS: what a socket's bytes go through, either side.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "source/base/buffer.h"
#include "source/event/socket_layer.h"
#include "source/tls/records.h"

struct bio_method_st;
struct bio_st;
struct ssl_ctx_st;
struct ssl_st;

namespace gatehouse::tls {

struct SslDelete {
  void operator()(ssl_st* ssl) const;
};
using SslPtr = std::unique_ptr<ssl_st, SslDelete>;

// OpenSSL between two pieces of memory: it never sees a descriptor. Behind a handshake of TLS 1.3 a
// server's can do without: LeaveOpenSsl(). Loop thread only.
class Layer final : public event::SocketLayer {
 public:
  // `ssl` knows its context and whether it accepts or connects. `buffers` outlives the layer, which
  // holds `kept`, what `ssl` refers to, as long as it lives.
  Layer(SslPtr ssl, BufferPool& buffers, std::shared_ptr<const void> kept = nullptr);
  ~Layer() override;

  bool established() const override { return established_; }
  Opened Open(std::string_view wire, char* into, size_t size, Buffer& out) override;
  bool Seal(std::string_view plain, Buffer& out) override;
  void Finish(Buffer& out) override;
  const std::string& failure() const override { return failure_; }

  // Has the layers of servers with this context remember what LeaveOpenSsl() needs.
  static void KeepSecrets(ssl_ctx_st* context);
  // Frees OpenSSL's object, if it is not needed any more: a server's, of TLS 1.3, once
  // established. What is sent and received is the same.
  void LeaveOpenSsl();

  // Once established, before LeaveOpenSsl(). The protocol agreed on (RFC 7301), "" without one;
  // valid until then.
  std::string_view alpn() const;
  // For what OpenSSL calls back during a handshake: should it fail, failure() will be `why`.
  static void Explain(ssl_st* ssl, std::string why);
  // The connection's OpenSSL object, for tls/ and what asks it for facts. Null after
  // LeaveOpenSsl().
  ssl_st* ssl() const { return ssl_.get(); }

 private:
  static const bio_method_st* Method();
  static int ReadWire(bio_st* bio, char* into, size_t size, size_t* bytes);
  static int WriteWire(bio_st* bio, const char* data, size_t size, size_t* bytes);

  static void NoteSecret(const ssl_st* ssl, const char* line);

  bool HasHello() const;
  State Shake();
  State ReadRecords(char* into, size_t size, size_t* bytes);
  State Fail(int result);
  void NoteFailure();

  std::shared_ptr<const void> kept_;
  SslPtr ssl_;
  std::unique_ptr<TrafficSecrets> secrets_;  // From the handshake to LeaveOpenSsl().
  std::unique_ptr<Records> records_;         // From there on.
  // During a call: what has come and is not taken yet, and where to put what is to go.
  std::string_view in_;
  Buffer* out_ = nullptr;
  Buffer held_;  // What has come and could not be taken.
  std::string failure_;
  std::string why_;  // What a callback knows about it.
  bool established_ = false;
};

}  // namespace gatehouse::tls

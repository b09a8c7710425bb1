// SPDX-License-Identifier: Apache-2.0
// OpenSSL's client and a layer of ours, with memory between them.
#pragma once

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <string>

#include "source/base/buffer.h"
#include "source/tls/facts.h"
#include "source/tls/server_tls.h"
#include "test/tls/made_certificates.h"

namespace gatehouse::tls {

struct SessionFree {
  void operator()(SSL_SESSION* one) const { SSL_SESSION_free(one); }
};
using SessionPtr = std::unique_ptr<SSL_SESSION, SessionFree>;

// One connection. Verifies nothing, unless told to.
class Connection {
 public:
  struct Client {
    std::string name = "a.example.com";  // SNI; empty: none.
    std::function<void(SSL_CTX*)> tune{};
    const Made* certificate = nullptr;
    SSL_SESSION* session = nullptr;  // To be resumed.
    bool wants_status = false;
  };
  Connection(const ServerTls& server, const Client& client)
      : layer_(server.NewLayer(pool_)), context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_CLIENT);
    SSL_CTX_set_app_data(context_.get(), this);
    SSL_CTX_sess_set_new_cb(context_.get(), [](SSL* ssl, SSL_SESSION* session) {
      auto* self = static_cast<Connection*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
      self->session_.reset(session);
      ++self->tickets_;
      return 1;
    });
    if (client.tune) {
      client.tune(context_.get());
    }
    if (client.certificate != nullptr) {
      SSL_CTX_use_certificate(context_.get(), client.certificate->certificate.get());
      SSL_CTX_use_PrivateKey(context_.get(), client.certificate->key.get());
    }
    ssl_.reset(SSL_new(context_.get()));
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(in_, -1);
    SSL_set_bio(ssl_.get(), in_, out_);
    if (!client.name.empty()) {
      SSL_set_tlsext_host_name(ssl_.get(), client.name.c_str());
    }
    if (client.wants_status) {
      SSL_set_tlsext_status_type(ssl_.get(), TLSEXT_STATUSTYPE_ocsp);
    }
    if (client.session != nullptr) {
      // A copy: OpenSSL spoils sessions whose connections end without a word.
      const SessionPtr copy(SSL_SESSION_dup(client.session));
      SSL_set_session(ssl_.get(), copy.get());
    }
    SSL_set_connect_state(ssl_.get());
    Run();
  }

  ~Connection() { SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Moves bytes until nobody has more to say.
  void Run() {
    for (int i = 0; i < 100; ++i) {
      ERR_clear_error();
      char byte[256];
      size_t got = 0;
      const bool was = client_ok_;
      if (!client_ok_) {
        client_ok_ = SSL_do_handshake(ssl_.get()) == 1;
      } else if (SSL_read_ex(ssl_.get(), byte, sizeof byte, &got) == 1) {
        received_.append(byte, got);
      }
      if (const unsigned long error = ERR_peek_error(); error != 0) {
        const char* const reason = ERR_reason_error_string(error);
        client_failure_ = reason == nullptr ? "?" : reason;
      }
      const std::string wire = TakeClientBytes();
      const bool sent = !wire.empty() || more_;
      if (sent) {
        ToServer(wire);
      }
      if (!sent && was == client_ok_ && got == 0) {
        return;
      }
    }
  }
  // Gives the server `wire` and the client its answer.
  void ToServer(std::string_view wire) {
    char into[4096];
    Buffer out(pool_);
    const auto opened = layer_->Open(wire, into, sizeof into, out);
    opened_.append(into, opened.bytes);
    state_ = opened.state;
    more_ = opened.state == event::SocketLayer::State::kMore;
    ToClient(out.view());
  }
  void ToClient(std::string_view wire) {
    answer_.append(wire);
    BIO_write(in_, wire.data(), static_cast<int>(wire.size()));
  }
  std::string TakeClientBytes() {
    char* data = nullptr;
    const long size = BIO_get_mem_data(out_, &data);
    std::string bytes(data, static_cast<size_t>(size));
    (void)BIO_reset(out_);
    return bytes;
  }

  bool ok() const { return client_ok_ && layer_->established() && layer_->failure().empty(); }
  bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
  // The common name of the certificate that the client saw.
  std::string Shown() const {
    char name[128] = "";
    if (X509* const one = SSL_get0_peer_certificate(ssl_.get())) {
      X509_NAME_get_text_by_NID(X509_get_subject_name(one), NID_commonName, name, sizeof name);
    }
    return name;
  }
  std::string Staple() const {
    const unsigned char* data = nullptr;
    const long size = SSL_get_tlsext_status_ocsp_resp(ssl_.get(), &data);
    return size <= 0 ? ""
                     : std::string(reinterpret_cast<const char*>(data), static_cast<size_t>(size));
  }
  std::unique_ptr<const observe::TlsFacts> Facts() const { return FactsOf(*layer_); }
  SSL* ssl() { return ssl_.get(); }
  Layer& layer() { return *layer_; }
  SSL_SESSION* session() { return session_.get(); }
  int tickets() const { return tickets_; }
  const std::string& client_failure() const { return client_failure_; }
  const std::string& opened() const { return opened_; }      // By the server.
  const std::string& received() const { return received_; }  // By the client.
  const std::string& answer() const { return answer_; }      // All bytes of the server's.
  event::SocketLayer::State state() const { return state_; }
  BufferPool& pool() { return pool_; }

 private:
  BufferPool pool_;
  std::unique_ptr<Layer> layer_;
  std::unique_ptr<SSL_CTX, ContextFree> context_;
  SslPtr ssl_;
  SessionPtr session_;
  BIO* in_ = nullptr;
  BIO* out_ = nullptr;
  std::string client_failure_;
  std::string opened_;
  std::string received_;
  std::string answer_;
  event::SocketLayer::State state_ = event::SocketLayer::State::kHungry;
  int tickets_ = 0;
  bool client_ok_ = false;
  bool more_ = false;
};

}  // namespace gatehouse::tls

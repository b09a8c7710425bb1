// SPDX-License-Identifier: Apache-2.0
#include "source/tls/layer.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/sslerr.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "source/base/check.h"
#include "source/tls/openssl_error.h"

namespace gatehouse::tls {
namespace {

// Whole records of TLS in `wire`; one that is too long counts too.
uint64_t CountRecords(std::string_view wire) {
  constexpr size_t kHeader = 5;
  constexpr size_t kMost = 16 * 1024 + 2048;
  uint64_t count = 0;
  while (wire.size() >= kHeader) {
    const size_t size =
        static_cast<size_t>(static_cast<uint8_t>(wire[3])) << 8 | static_cast<uint8_t>(wire[4]);
    if (wire.size() < kHeader + size && size <= kMost) {
      break;
    }
    wire.remove_prefix(std::min(wire.size(), kHeader + size));
    ++count;
  }
  return count;
}

}  // namespace

namespace {

// To those who begin with a request in the clear, which most clients show their users.
constexpr std::string_view kPlainHttp =
    "HTTP/1.1 400 Bad Request\r\n"
    "content-type: text/plain\r\n"
    "content-length: 55\r\n"
    "connection: close\r\n\r\n"
    "A plain HTTP request came to a port that speaks HTTPS.\n";

}  // namespace

void SslDelete::operator()(ssl_st* ssl) const { SSL_free(ssl); }

int Layer::ReadWire(BIO* bio, char* into, size_t size, size_t* bytes) {
  auto& layer = *static_cast<Layer*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (layer.in_.empty()) {
    BIO_set_retry_read(bio);
    return 0;
  }
  *bytes = std::min(size, layer.in_.size());
  std::memcpy(into, layer.in_.data(), *bytes);
  layer.in_.remove_prefix(*bytes);
  return 1;
}

int Layer::WriteWire(BIO* bio, const char* data, size_t size, size_t* bytes) {
  auto& layer = *static_cast<Layer*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (layer.out_ != nullptr) {
    layer.out_->Append({data, size});
  }
  *bytes = size;
  return 1;
}

// One for the process, made when it is first needed.
const BIO_METHOD* Layer::Method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "gatehouse");
    GATEHOUSE_CHECK(made != nullptr, "out of memory");
    BIO_meth_set_read_ex(made, &Layer::ReadWire);
    BIO_meth_set_write_ex(made, &Layer::WriteWire);
    BIO_meth_set_ctrl(made, [](BIO*, int command, long, void*) -> long {
      return command == BIO_CTRL_FLUSH ? 1 : 0;
    });
    BIO_meth_set_create(made, [](BIO* bio) {
      BIO_set_init(bio, 1);
      return 1;
    });
    return made;
  }();
  return method;
}

Layer::Layer(SslPtr ssl, BufferPool& buffers, std::shared_ptr<const void> kept)
    : kept_(std::move(kept)), ssl_(std::move(ssl)), held_(buffers) {
  BIO* bio = BIO_new(Method());
  GATEHOUSE_CHECK(bio != nullptr && ssl_ != nullptr, "out of memory");
  BIO_set_data(bio, this);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_mode(ssl_.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                               SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

Layer::~Layer() = default;

event::SocketLayer::Opened Layer::Open(std::string_view wire, char* into, size_t size,
                                       Buffer& out) {
  const bool held = !held_.empty();
  if (held) {
    held_.Append(wire);
  }
  in_ = held ? held_.view() : wire;
  out_ = &out;
  const size_t before = in_.size();
  Opened opened;
  if (!failure_.empty()) {
    opened.state = State::kFailed;
  } else if (!established_) {
    opened.state = Shake();
  } else if (records_ != nullptr) {
    opened.state = records_->Open(in_, into, size, &opened.bytes, out);
    NoteFailure();
  } else {
    opened.state = ReadRecords(into, size, &opened.bytes);
  }
  out_ = nullptr;
  if (held) {
    held_.Consume(before - in_.size());
  } else {
    held_.Append(in_);
  }
  in_ = {};
  return opened;
}

// Whether OpenSSL has what it needs to begin: a client that stops in the middle of its first record
// costs no more than the bytes that it has sent. What is no handshake is OpenSSL's to refuse.
bool Layer::HasHello() const {
  constexpr char kHandshakeRecord = 22;
  return in_.empty() || in_.front() != kHandshakeRecord || CountRecords(in_) > 0;
}

event::SocketLayer::State Layer::Shake() {
  if (SSL_in_before(ssl_.get()) == 1 && SSL_is_server(ssl_.get()) == 1 && !HasHello()) {
    return State::kHungry;
  }
  const size_t before = out_->size();
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result != 1) {
    return Fail(result);
  }
  established_ = true;
  if (secrets_ != nullptr) {
    // With a server's own Finished its keys change; what goes behind the client's are tickets.
    secrets_->sealed = CountRecords(out_->view().substr(before));
  }
  return State::kMore;
}

// A line of the key log, the one way in which OpenSSL gives its secrets: "LABEL RANDOM SECRET", in
// hexadecimal digits.
void Layer::NoteSecret(const SSL* ssl, const char* line) {
  const std::string_view text(line);
  const std::string_view label = text.substr(0, text.find(' '));
  const bool client = label == "CLIENT_TRAFFIC_SECRET_0";
  if (!client && label != "SERVER_TRAFFIC_SECRET_0") {
    return;
  }
  auto& layer = *static_cast<Layer*>(BIO_get_data(SSL_get_rbio(ssl)));
  if (layer.secrets_ == nullptr) {
    layer.secrets_ = std::make_unique<TrafficSecrets>();
  }
  auto& secret = client ? layer.secrets_->client : layer.secrets_->server;
  size_t size = 0;
  const std::string digits(text.substr(text.rfind(' ') + 1));
  if (OPENSSL_hexstr2buf_ex(reinterpret_cast<unsigned char*>(secret.data()), secret.size(), &size,
                            digits.c_str(), '\0') == 1) {
    (client ? layer.secrets_->client_size : layer.secrets_->server_size) =
        static_cast<uint8_t>(size);
  }
}

void Layer::KeepSecrets(SSL_CTX* context) { SSL_CTX_set_keylog_callback(context, &NoteSecret); }

void Layer::LeaveOpenSsl() {
  const std::unique_ptr<TrafficSecrets> secrets = std::move(secrets_);
  if (ssl_ == nullptr || secrets == nullptr || !established_ || !SSL_is_server(ssl_.get()) ||
      SSL_version(ssl_.get()) != TLS1_3_VERSION || SSL_has_pending(ssl_.get()) != 0) {
    return;
  }
  secrets->suite = SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(ssl_.get()));
  auto records = Records::Make(*secrets, held_.pool());
  if (records != nullptr) {
    records_ = std::move(records);
    ssl_.reset();
    kept_.reset();
  }
}

event::SocketLayer::State Layer::ReadRecords(char* into, size_t size, size_t* bytes) {
  ERR_clear_error();
  while (*bytes < size) {
    size_t got = 0;
    const int result = SSL_read_ex(ssl_.get(), into + *bytes, size - *bytes, &got);
    if (result != 1) {
      return Fail(result);
    }
    *bytes += got;
    if (in_.empty() && SSL_pending(ssl_.get()) == 0) {
      return State::kHungry;  // The call that would find out costs more than this one.
    }
  }
  return State::kMore;
}

// The call did not succeed: which may only mean that it needs more.
event::SocketLayer::State Layer::Fail(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      if (!established_) {
        SSL_free_buffers(ssl_.get());  // 33 KiB that a client who stops here would keep.
      }
      return State::kHungry;
    case SSL_ERROR_ZERO_RETURN:
      return State::kEnd;
    default:
      if (SSL_is_server(ssl_.get()) == 1 && out_ != nullptr &&
          ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST) {
        out_->Append(kPlainHttp);
      }
      failure_ = OpenSslReason("the peer broke the rules of TLS");
      if (!why_.empty()) {
        failure_ = std::move(why_);
      }
      return State::kFailed;
  }
}

void Layer::NoteFailure() {
  if (records_->failure() != nullptr) {
    failure_ = records_->failure();
  }
}

bool Layer::Seal(std::string_view plain, Buffer& out) {
  if (records_ != nullptr) {
    if (failure_.empty() && !records_->Seal(plain, out)) {
      NoteFailure();
    }
    return failure_.empty();
  }
  out_ = &out;
  ERR_clear_error();
  while (!plain.empty() && failure_.empty()) {
    size_t written = 0;
    const int result = SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &written);
    if (result != 1 && Fail(result) != State::kFailed) {
      failure_ = "the handshake is not over";
    }
    plain.remove_prefix(written);
  }
  out_ = nullptr;
  return failure_.empty();
}

void Layer::Finish(Buffer& out) {
  // In the middle of a handshake, or after a fatal alert, there is nothing to say.
  if (!established_ || !failure_.empty()) {
    return;
  }
  if (records_ != nullptr) {
    records_->Finish(out);
    return;
  }
  out_ = &out;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
  out_ = nullptr;
}

void Layer::Explain(ssl_st* ssl, std::string why) {
  static_cast<Layer*>(BIO_get_data(SSL_get_rbio(ssl)))->why_ = std::move(why);
}

std::string_view Layer::alpn() const {
  if (ssl_ == nullptr) {
    return {};
  }
  const unsigned char* data = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &data, &size);
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace gatehouse::tls

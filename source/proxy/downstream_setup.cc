// SPDX-License-Identifier: Apache-2.0
// What a client's connection does before its first request: PROXY header, TLS handshake, finding
// out which HTTP is spoken.
#include <cstring>

#include "source/base/log.h"
#include "source/http/h1/server_codec.h"
#include "source/http/h2/server_codec.h"
#include "source/proxy/downstream_connection.h"
#include "source/proxy/forwarded.h"
#include "source/proxy/proxy_protocol.h"
#include "source/proxy/worker_parts.h"
#include "source/tls/facts.h"

namespace gatehouse::proxy {
namespace {

// RFC 9113 section 3.4.
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// The reader of a connection's first bytes, as CodecIo feeds it: takes none of them.
class PrefaceReader {
 public:
  size_t OnInput(std::string_view input) {
    const std::string_view begin = input.substr(0, kPreface.size());
    is_preface_ = begin == kPreface;
    decided_ = is_preface_ || !kPreface.starts_with(begin);
    return 0;
  }
  size_t input_room() const { return decided_ ? 0 : kPreface.size() + 1; }
  bool decided() const { return decided_; }
  bool is_preface() const { return is_preface_; }

 private:
  bool decided_ = false;
  bool is_preface_ = false;
};

}  // namespace

void DownstreamConnection::BecomePeer(const IpAddress& address, uint16_t port) {
  peer_ = address;
  peer_port_ = port;
  peer_text_ = address.ToString();
  trusted_ = IsTrusted(*terms_->settings, address);
}

bool DownstreamConnection::SetUp() {
  return (!proxy_header_due_ || TakeProxyHeader()) && (!tls_due_ || ShakeHands()) &&
         (codec_ != nullptr || ChooseCodec());
}

bool DownstreamConnection::SetUpGoesOn(upstream::ReadOutcome outcome) {
  CountBytes();
  if (outcome == upstream::ReadOutcome::kEof || outcome == upstream::ReadOutcome::kError) {
    Close(false);
    return false;
  }
  if (outcome == upstream::ReadOutcome::kMore) {
    worker_.loop.Queue(*this);
  }
  return true;
}

bool DownstreamConnection::TakeProxyHeader() {
  ProxyHeaderReader reader;
  const upstream::ReadOutcome outcome = input_.Pump(worker_.io, socket_, reader);
  const ProxyHeader& header = reader.header();
  if (header.state == ProxyHeader::State::kWhole) {
    proxy_header_due_ = false;
    if (header.named) {
      BecomePeer(header.source, header.source_port);
    }
    return true;
  }
  // Whoever does not speak the protocol would not understand an answer either.
  if (header.state == ProxyHeader::State::kMalformed) {
    Count(ListenerMetric::kMalformed);
    Close(true);
  } else {
    (void)SetUpGoesOn(outcome);
  }
  return false;
}

bool DownstreamConnection::ShakeHands() {
  if (socket_.layer() == nullptr) {
    socket_.AddLayer(terms_->tls->NewLayer(worker_.buffers), input_.held());
    input_.Discard();
  }
  constexpr int kReads = 4;
  for (int i = 0; i < kReads && socket_.shaking_hands() && socket_.readable(); ++i) {
    (void)socket_.Read(worker_.io.scratch.data(), worker_.io.scratch.size());
  }
  if (socket_.error() != 0 || (socket_.shaking_hands() && socket_.peer_closed())) {
    Count(ListenerMetric::kTlsFailures);
    if (log::Enabled(log::Level::kDebug)) {
      const std::string& why = socket_.layer()->failure();
      log::Debug("no TLS handshake with a client",
                 {{"listener", terms_->settings->name},
                  {"peer", peer_text_},
                  {"reason", why.empty() ? std::string_view("it closed the connection") : why}});
    }
    Close(false);
    return false;
  }
  if (socket_.shaking_hands()) {
    if (socket_.readable()) {
      worker_.loop.Queue(*this);
    }
    return false;
  }
  OnHandshakeOver();
  return state_ == State::kOpen;
}

void DownstreamConnection::OnHandshakeOver() {
  tls_due_ = false;
  auto& layer = static_cast<tls::Layer&>(*socket_.layer());
  tls_facts_ = tls::FactsOf(layer);
  Count(ListenerMetric::kTlsHandshakes);
  if (tls_facts_->resumed) {
    Count(ListenerMetric::kTlsResumed);
  }
  // Without ALPN it is HTTP/1.1 (RFC 9113 section 3.2).
  const bool http2 = layer.alpn() == "h2";
  layer.LeaveOpenSsl();
  if (!http2 && !terms_->settings->http1) {
    Count(ListenerMetric::kMalformed);
    Close(false);
    return;
  }
  UseCodec(http2);
}

bool DownstreamConnection::ChooseCodec() {
  if (!terms_->settings->http1 || !terms_->settings->http2) {
    UseCodec(terms_->settings->http2);
    return true;
  }
  PrefaceReader reader;
  const upstream::ReadOutcome outcome = input_.Pump(worker_.io, socket_, reader);
  if (reader.decided()) {
    UseCodec(reader.is_preface());
    if (outcome == upstream::ReadOutcome::kMore) {
      worker_.loop.Queue(*this);
    }
    return true;
  }
  (void)SetUpGoesOn(outcome);
  return false;
}

void DownstreamConnection::UseCodec(bool http2) {
  http2_ = http2;
  const http::CodecLimits& limits = terms_->settings->codec;
  if (!http2) {
    codec_ = http::NewH1ServerCodec(*this, *this, limits);
    return;
  }
  Count(ListenerMetric::kHttp2Connections);
  codec_ =
      http::NewH2ServerCodec(*this, *this, worker_.buffers, limits, terms_->settings->idle_timeout);
  WantFlush();  // Its SETTINGS.
  if (draining_) {
    codec_->Drain();
  }
}

}  // namespace gatehouse::proxy

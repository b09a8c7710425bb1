// SPDX-License-Identifier: Apache-2.0
#include "test/upstream/pool/scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "source/base/check.h"

namespace gatehouse::upstream {
namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr size_t kFrameHead = 9;
constexpr uint8_t kEnd = 0x1 | 0x4;  // END_STREAM, END_HEADERS.
constexpr uint8_t kEndHeaders = 0x4;

void AppendNumber(std::string& out, uint64_t value, int bytes) {
  while (bytes-- > 0) {
    out.push_back(static_cast<char>(value >> (8 * bytes)));
  }
}

uint32_t Number(std::string_view bytes) {
  uint32_t out = 0;
  for (const char byte : bytes) {
    out = out << 8 | static_cast<uint8_t>(byte);
  }
  return out;
}

}  // namespace

ScriptedPeer::~ScriptedPeer() { Close(); }

void ScriptedPeer::Close() {
  if (fd_ >= 0) {
    close(std::exchange(fd_, -1));
    open_ = false;
  }
}

bool ScriptedPeer::Read() {
  std::array<char, 65536> bytes;
  while (open_) {
    const ssize_t got = recv(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got > 0) {
      in_.append(bytes.data(), static_cast<size_t>(got));
      continue;
    }
    open_ = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    break;
  }
  if (!preface_ && in_.size() >= kPreface.size()) {
    GATEHOUSE_CHECK(in_.starts_with(kPreface), "a client of HTTP/2 says so first");
    in_.erase(0, kPreface.size());
    preface_ = true;
  }
  while (preface_ && in_.size() >= kFrameHead) {
    const std::string_view in = in_;
    const size_t size = Number(in.substr(0, 3));
    if (in.size() < kFrameHead + size) {
      break;
    }
    frames_.push_back({static_cast<FrameType>(in[3]), static_cast<uint8_t>(in[4]),
                       Number(in.substr(5, 4)), std::string(in.substr(kFrameHead, size))});
    in_.erase(0, kFrameHead + size);
  }
  return open_;
}

std::vector<uint32_t> ScriptedPeer::requests() const {
  std::vector<uint32_t> out;
  for (const Frame& frame : frames_) {
    if (frame.type == FrameType::kHeaders) {
      out.push_back(frame.stream);
    }
  }
  return out;
}

void ScriptedPeer::Send(FrameType type, uint8_t flags, uint32_t stream, std::string_view payload) {
  std::string out;
  AppendNumber(out, payload.size(), 3);
  out.push_back(static_cast<char>(type));
  out.push_back(static_cast<char>(flags));
  AppendNumber(out, stream, 4);
  out.append(payload);
  [[maybe_unused]] const ssize_t sent = send(fd_, out.data(), out.size(), MSG_NOSIGNAL);
}

void ScriptedPeer::SendSettings(uint16_t id, uint32_t value) {
  std::string payload;
  if (id != 0) {
    AppendNumber(payload, id, 2);
    AppendNumber(payload, value, 4);
  }
  Send(FrameType::kSettings, 0, 0, payload);
}

void ScriptedPeer::Respond(uint32_t stream, std::string_view body) {
  constexpr std::string_view kStatus200 = "\x88";  // RFC 7541 appendix A.
  Send(FrameType::kHeaders, body.empty() ? kEnd : kEndHeaders, stream, kStatus200);
  if (!body.empty()) {
    Send(FrameType::kData, 0x1, stream, body);
  }
}

void ScriptedPeer::Reset(uint32_t stream, uint32_t code) {
  std::string payload;
  AppendNumber(payload, code, 4);
  Send(FrameType::kReset, 0, stream, payload);
}

void ScriptedPeer::Goaway(uint32_t last, uint32_t code) {
  std::string payload;
  AppendNumber(payload, last, 4);
  AppendNumber(payload, code, 4);
  Send(FrameType::kGoaway, 0, 0, payload);
}

ScriptedServer::ScriptedServer() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof(address);
  GATEHOUSE_CHECK(
      bind(fd_, any, size) == 0 && listen(fd_, 64) == 0 && getsockname(fd_, any, &size) == 0,
      "a port to listen on");
  port_ = ntohs(address.sin_port);
}

ScriptedServer::~ScriptedServer() { StopListening(); }

void ScriptedServer::StopListening() {
  if (fd_ >= 0) {
    close(std::exchange(fd_, -1));
  }
}

void ScriptedServer::Poll() {
  for (;;) {
    const int fd = fd_ < 0 ? -1 : accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK);
    if (fd < 0) {
      break;
    }
    peers_.push_back(std::make_unique<ScriptedPeer>(fd));
  }
  for (const std::unique_ptr<ScriptedPeer>& peer : peers_) {
    peer->Read();
  }
}

}  // namespace gatehouse::upstream

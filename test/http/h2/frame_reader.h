// SPDX-License-Identifier: Apache-2.0
// Frames of HTTP/2 as a test reads them.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::http {

struct ReadFrame {
  uint8_t type = 0;
  uint8_t flags = 0;
  uint32_t stream = 0;
  std::string payload;  // Of HEADERS: "name: value\n", decoded.

  bool end() const {
    return (type == NGHTTP2_DATA || type == NGHTTP2_HEADERS) &&
           (flags & NGHTTP2_FLAG_END_STREAM) != 0;
  }
  // The number at `at` in the payload.
  uint32_t Number(size_t at = 0) const {
    uint32_t value = 0;
    for (size_t i = 0; i < 4 && at + i < payload.size(); ++i) {
      value = value << 8 | static_cast<uint8_t>(payload[at + i]);
    }
    return value;
  }
};

// Reads what one side says, from its first byte on.
class FrameReader {
 public:
  FrameReader() { nghttp2_hd_inflate_new(&inflater_); }
  ~FrameReader() { nghttp2_hd_inflate_del(inflater_); }
  FrameReader(const FrameReader&) = delete;
  FrameReader& operator=(const FrameReader&) = delete;

  std::vector<ReadFrame> Read(std::string_view bytes) {
    rest_.append(bytes);
    constexpr std::string_view kMagic = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    if (rest_.starts_with(kMagic)) {
      rest_.erase(0, kMagic.size());
    }
    std::vector<ReadFrame> frames;
    while (rest_.size() >= 9) {
      const auto byte = [this](size_t i) { return static_cast<uint8_t>(rest_[i]); };
      const size_t size = static_cast<size_t>(byte(0)) << 16 | byte(1) << 8 | byte(2);
      if (rest_.size() < 9 + size) {
        break;
      }
      ReadFrame frame{byte(3), byte(4), 0, rest_.substr(9, size)};
      frame.stream = static_cast<uint32_t>(byte(5)) << 24 | byte(6) << 16 | byte(7) << 8 | byte(8);
      if (frame.type == NGHTTP2_HEADERS) {
        frame.payload = Decode(frame.payload);
      }
      rest_.erase(0, 9 + size);
      frames.push_back(std::move(frame));
    }
    return frames;
  }

  // What is not a whole frame yet.
  const std::string& rest() const { return rest_; }

 private:
  std::string Decode(std::string block) {
    std::string out;
    auto* at = reinterpret_cast<uint8_t*>(block.data());
    size_t left = block.size();
    int flags = 0;
    while ((flags & NGHTTP2_HD_INFLATE_FINAL) == 0) {
      nghttp2_nv field;
      const ssize_t used = nghttp2_hd_inflate_hd2(inflater_, &field, &flags, at, left, 1);
      if (used < 0) {
        return "?";
      }
      at += used;
      left -= static_cast<size_t>(used);
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
        out.append(reinterpret_cast<char*>(field.name), field.namelen).append(": ");
        out.append(reinterpret_cast<char*>(field.value), field.valuelen).append("\n");
      }
    }
    nghttp2_hd_inflate_end_headers(inflater_);
    return out;
  }

  nghttp2_hd_inflater* inflater_ = nullptr;
  std::string rest_;
};

// One line for each frame, as far as tests care: "HEADERS 1 end", "DATA 1 5", "RST_STREAM 1 8" …
inline std::string Summary(const std::vector<ReadFrame>& frames) {
  std::string out;
  for (const ReadFrame& frame : frames) {
    const std::string stream = " " + std::to_string(frame.stream);
    const std::string end = frame.end() ? " end" : "";
    const bool ack = (frame.flags & NGHTTP2_FLAG_ACK) != 0;
    switch (frame.type) {
      case NGHTTP2_DATA:
        out += "DATA" + stream + " " + std::to_string(frame.payload.size()) + end;
        break;
      case NGHTTP2_HEADERS:
        out += "HEADERS" + stream + end;
        break;
      case NGHTTP2_RST_STREAM:
        out += "RST_STREAM" + stream + " " + std::to_string(frame.Number());
        break;
      case NGHTTP2_SETTINGS:
        out += ack ? "SETTINGS ack" : "SETTINGS";
        break;
      case NGHTTP2_PING:
        out += ack ? "PING ack" : "PING";
        break;
      case NGHTTP2_GOAWAY:
        out += "GOAWAY " + std::to_string(frame.Number()) + " " + std::to_string(frame.Number(4));
        break;
      case NGHTTP2_WINDOW_UPDATE:
        out += "WINDOW_UPDATE" + stream + " " + std::to_string(frame.Number());
        break;
      default:
        out += "frame " + std::to_string(frame.type) + stream;
    }
    out += "\n";
  }
  return out;
}

}  // namespace gatehouse::http

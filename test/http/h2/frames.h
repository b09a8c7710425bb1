// SPDX-License-Identifier: Apache-2.0
// Frames of HTTP/2 as bytes (RFC 9113 sections 4 and 6).
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace gatehouse::http {

inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// `bytes` of `value`, the highest first.
inline std::string BigEndian(uint64_t value, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) {
    out += static_cast<char>(value >> (8 * i));
  }
  return out;
}

inline std::string Frame(uint8_t type, uint8_t flags, uint32_t stream,
                         std::string_view payload = {}) {
  return BigEndian(payload.size(), 3) + static_cast<char>(type) + static_cast<char>(flags) +
         BigEndian(stream, 4) + std::string(payload);
}

inline std::string SettingsFrame(uint16_t id = 0, uint32_t value = 0) {
  return Frame(NGHTTP2_SETTINGS, 0, 0,
               id == 0 ? std::string() : BigEndian(id, 2) + BigEndian(value, 4));
}
inline std::string SettingsAck() { return Frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0); }
inline std::string PingFrame() { return Frame(NGHTTP2_PING, 0, 0, "12345678"); }
inline std::string ResetFrame(uint32_t stream, uint32_t code = NGHTTP2_CANCEL) {
  return Frame(NGHTTP2_RST_STREAM, 0, stream, BigEndian(code, 4));
}
inline std::string WindowFrame(uint32_t stream, uint32_t more) {
  return Frame(NGHTTP2_WINDOW_UPDATE, 0, stream, BigEndian(more, 4));
}
inline std::string DataFrame(uint32_t stream, std::string_view data, bool end = false) {
  return Frame(NGHTTP2_DATA, end ? NGHTTP2_FLAG_END_STREAM : 0, stream, data);
}
// `block`: of HPACK.
inline std::string HeadersFrame(uint32_t stream, std::string_view block, bool end = true) {
  return Frame(NGHTTP2_HEADERS,
               NGHTTP2_FLAG_END_HEADERS | (end ? NGHTTP2_FLAG_END_STREAM : NGHTTP2_FLAG_NONE),
               stream, block);
}

// A literal that is not to be indexed (RFC 7541 section 6.2.2), without Huffman's code.
inline std::string Literal(std::string_view name, std::string_view value) {
  const auto text = [](std::string_view bytes) {
    std::string out;
    size_t size = bytes.size();
    if (size < 127) {
      out += static_cast<char>(size);
    } else {
      out += '\x7f';
      for (size -= 127; size >= 128; size /= 128) {
        out += static_cast<char>(size % 128 + 128);
      }
      out += static_cast<char>(size);
    }
    return out.append(bytes);
  };
  return '\0' + text(name) + text(value);
}

// The block of a GET of http://a.test/t, and `more`.
inline std::string GetBlock(std::string_view more = {}) {
  return Literal(":method", "GET") + Literal(":scheme", "http") + Literal(":authority", "a.test") +
         Literal(":path", "/t") + std::string(more);
}

}  // namespace gatehouse::http

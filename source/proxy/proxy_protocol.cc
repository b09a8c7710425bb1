// SPDX-License-Identifier: Apache-2.0
#include "source/proxy/proxy_protocol.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "source/base/text.h"

namespace gatehouse::proxy {
namespace {

constexpr std::string_view kV1Begin = "PROXY ";
constexpr size_t kV1MaxBytes = 107;  // The longest line, CRLF included (section 2.1).
constexpr std::string_view kV2Signature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr size_t kV2FixedBytes = 16;

ProxyHeader Malformed(const char* fault) {
  ProxyHeader header;
  header.state = ProxyHeader::State::kMalformed;
  header.fault = fault;
  return header;
}

ProxyHeader Whole(size_t size) {
  ProxyHeader header;
  header.state = ProxyHeader::State::kWhole;
  header.size = size;
  return header;
}

// Takes the next word, which one space ends.
std::string_view TakeWord(std::string_view& line) {
  const size_t space = line.find(' ');
  const std::string_view word = line.substr(0, space);
  line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
  return word;
}

std::optional<uint16_t> ParsePort(std::string_view text) {
  const std::optional<uint64_t> port = ParseUint(text);
  const bool padded = text.size() > 1 && text.front() == '0';
  return port && *port <= UINT16_MAX && !padded
             ? std::optional<uint16_t>(static_cast<uint16_t>(*port))
             : std::nullopt;
}

// "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", behind "PROXY ".
ProxyHeader ReadV1(std::string_view bytes) {
  const size_t end = bytes.substr(0, kV1MaxBytes).find("\r\n");
  if (end == std::string_view::npos) {
    return bytes.size() < kV1MaxBytes ? ProxyHeader() : Malformed("its line is too long");
  }
  ProxyHeader header = Whole(end + 2);
  std::string_view line = bytes.substr(kV1Begin.size(), end - kV1Begin.size());
  const std::string_view family = TakeWord(line);
  if (family == "UNKNOWN") {
    return header;  // What follows is to be ignored.
  }
  const bool v4 = family == "TCP4";
  if (!v4 && family != "TCP6") {
    return Malformed("its protocol is neither TCP4, TCP6 nor UNKNOWN");
  }
  const auto address = [&](std::string_view text) {
    const bool dotted = text.find(':') == std::string_view::npos;
    return dotted == v4 ? ParseIp(text) : std::nullopt;
  };
  const std::optional<IpAddress> source = address(TakeWord(line));
  const std::optional<IpAddress> destination = address(TakeWord(line));
  const std::optional<uint16_t> source_port = ParsePort(TakeWord(line));
  const std::optional<uint16_t> destination_port = ParsePort(line);
  if (!source || !destination) {
    return Malformed("its addresses are not of its family");
  }
  if (!source_port || !destination_port) {
    return Malformed("its ports are not ports");
  }
  header.named = true;
  header.source = *source;
  header.source_port = *source_port;
  return header;
}

uint16_t BigEndian16(const char* at) {
  return static_cast<uint16_t>(static_cast<uint8_t>(at[0]) << 8 | static_cast<uint8_t>(at[1]));
}

// The address block of a PROXY command; `v4` or IPv6.
void TakeAddresses(std::string_view block, bool v4, ProxyHeader& header) {
  constexpr size_t kV4At = 12;  // In a mapped address.
  const size_t bytes = v4 ? 4 : 16;
  if (v4) {
    header.source.bytes[10] = header.source.bytes[11] = 0xff;
  }
  std::memcpy(header.source.bytes.data() + (v4 ? kV4At : 0), block.data(), bytes);
  header.source_port = BigEndian16(block.data() + 2 * bytes);
  header.named = true;
}

ProxyHeader ReadV2(std::string_view bytes) {
  if (bytes.size() < kV2FixedBytes) {
    return {};
  }
  const auto command = static_cast<uint8_t>(bytes[12]);
  const auto family = static_cast<uint8_t>(bytes[13]);
  const size_t length = BigEndian16(bytes.data() + 14);
  if (command >> 4 != 2) {
    return Malformed("its version is not 2");
  }
  if ((command & 0xf) > 1) {
    return Malformed("its command is neither LOCAL nor PROXY");
  }
  if (family >> 4 > 3 || (family & 0xf) > 2) {
    return Malformed("its address family or transport is unknown");
  }
  if (kV2FixedBytes + length > kMaxProxyHeader) {
    return Malformed("it is longer than 4096 bytes");
  }
  if (bytes.size() < kV2FixedBytes + length) {
    return {};
  }
  ProxyHeader header = Whole(kV2FixedBytes + length);
  const bool v4 = family >> 4 == 1;
  const bool v6 = family >> 4 == 2;
  if ((command & 0xf) == 0 || !(v4 || v6)) {
    return header;  // The balancer's own connection, or nothing that we could name.
  }
  if (length < (v4 ? 12u : 36u)) {
    return Malformed("it is too short for its addresses");
  }
  TakeAddresses(bytes.substr(kV2FixedBytes), v4, header);
  return header;
}

}  // namespace

ProxyHeader ReadProxyHeader(std::string_view bytes) {
  const auto begins = [&](std::string_view mark) {
    const size_t common = std::min(mark.size(), bytes.size());
    return bytes.substr(0, common) == mark.substr(0, common);
  };
  if (begins(kV1Begin)) {
    return bytes.size() < kV1Begin.size() ? ProxyHeader() : ReadV1(bytes);
  }
  if (begins(kV2Signature)) {
    return ReadV2(bytes);
  }
  return Malformed("the connection does not begin with it");
}

}  // namespace gatehouse::proxy

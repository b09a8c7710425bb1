// SPDX-License-Identifier: Apache-2.0
#include "source/proxy/proxy_protocol.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gatehouse::proxy {
namespace {

using State = ProxyHeader::State;

std::string V2(uint8_t command, uint8_t family, const std::string& block) {
  std::string out("\r\n\r\n\0\r\nQUIT\n", 12);
  out += static_cast<char>(command);
  out += static_cast<char>(family);
  out += static_cast<char>(block.size() >> 8);
  out += static_cast<char>(block.size() & 0xff);
  return out + block;
}

const std::string kV4Block("\xc0\x00\x02\x07\xc6\x33\x64\x01\x10\x92\x01\xbb", 12);

std::string V6Block() {
  std::string out = std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') + "\x09";
  out += std::string(15, '\0') + "\x01";
  return out + std::string("\xff\xff\x00\x50", 4);
}

// "192.0.2.7:4242 of 52 bytes", "unnamed, 15 bytes", "incomplete" or the fault.
std::string Read(const std::string& bytes) {
  const ProxyHeader header = ReadProxyHeader(bytes);
  switch (header.state) {
    case State::kIncomplete:
      return "incomplete";
    case State::kMalformed:
      return header.fault;
    case State::kWhole:
      break;
  }
  const std::string size = std::to_string(header.size) + " bytes";
  return header.named
             ? header.source.ToString() + ":" + std::to_string(header.source_port) + " of " + size
             : "unnamed, " + size;
}

TEST(ProxyProtocolV1, NamesTheClient) {
  EXPECT_EQ(Read("PROXY TCP4 192.0.2.7 198.51.100.1 4242 443\r\nGET /"),
            "192.0.2.7:4242 of 44 bytes");
  EXPECT_EQ(Read("PROXY TCP6 2001:db8::9 ::1 65535 80\r\n"), "2001:db8::9:65535 of 37 bytes");
  EXPECT_EQ(Read("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n"), "0.0.0.0:0 of 32 bytes");
}

TEST(ProxyProtocolV1, UnknownIsNobody) {
  EXPECT_EQ(Read("PROXY UNKNOWN\r\n"), "unnamed, 15 bytes");
  EXPECT_EQ(Read("PROXY UNKNOWN ffff::1 whatever 1 2\r\n"), "unnamed, 36 bytes");
}

TEST(ProxyProtocolV1, IsStrict) {
  for (const char* line : {
           "PROXY TCP4 192.0.2.7 198.51.100.1 4242\r\n",
           "PROXY TCP4 192.0.2.7 198.51.100.1 4242 443 \r\n",
           "PROXY TCP4  192.0.2.7 198.51.100.1 4242 443\r\n",
           "PROXY TCP4 192.0.2.7 198.51.100.1 04242 443\r\n",
           "PROXY TCP4 192.0.2.7 198.51.100.1 +1 443\r\n",
           "PROXY TCP4 192.0.2.7 198.51.100.1 65536 443\r\n",
           "PROXY TCP4 2001:db8::9 ::1 1 2\r\n",
           "PROXY TCP6 192.0.2.7 198.51.100.1 1 2\r\n",
           "PROXY TCP4 localhost 198.51.100.1 1 2\r\n",
           "PROXY tcp4 192.0.2.7 198.51.100.1 1 2\r\n",
           "PROXY \r\n",
           "PROXY\r\n",
           "proxy TCP4 192.0.2.7 198.51.100.1 1 2\r\n",
           "GET / HTTP/1.1\r\n",
           "\r\n\r\nX",
       }) {
    EXPECT_EQ(ReadProxyHeader(line).state, State::kMalformed) << line;
  }
  EXPECT_EQ(Read("PROXY UNKNOWN" + std::string(95, 'x')), "its line is too long");
}

TEST(ProxyProtocolV2, NamesTheClient) {
  EXPECT_EQ(Read(V2(0x21, 0x11, kV4Block) + "GET /"), "192.0.2.7:4242 of 28 bytes");
  EXPECT_EQ(Read(V2(0x21, 0x21, V6Block())), "2001:db8::9:65535 of 52 bytes");
  EXPECT_EQ(Read(V2(0x21, 0x11, kV4Block + std::string(100, 't'))), "192.0.2.7:4242 of 128 bytes");
}

TEST(ProxyProtocolV2, LocalAndOtherFamiliesAreNobody) {
  EXPECT_EQ(Read(V2(0x20, 0x00, "")), "unnamed, 16 bytes");
  EXPECT_EQ(Read(V2(0x20, 0x11, kV4Block)), "unnamed, 28 bytes");
  EXPECT_EQ(Read(V2(0x21, 0x31, std::string(216, 'u'))), "unnamed, 232 bytes");
}

TEST(ProxyProtocolV2, IsStrict) {
  EXPECT_EQ(Read(V2(0x11, 0x11, kV4Block)), "its version is not 2");
  EXPECT_EQ(Read(V2(0x22, 0x11, kV4Block)), "its command is neither LOCAL nor PROXY");
  EXPECT_EQ(Read(V2(0x21, 0x41, kV4Block)), "its address family or transport is unknown");
  EXPECT_EQ(Read(V2(0x21, 0x13, kV4Block)), "its address family or transport is unknown");
  EXPECT_EQ(Read(V2(0x21, 0x11, "short")), "it is too short for its addresses");
  EXPECT_EQ(Read(V2(0x21, 0x21, kV4Block)), "it is too short for its addresses");
  EXPECT_EQ(Read(V2(0x21, 0x11, std::string(5000, 't'))), "it is longer than 4096 bytes");
}

TEST(ProxyProtocol, EveryPrefixIsIncomplete) {
  const std::vector<std::string> whole = {"PROXY TCP4 192.0.2.7 198.51.100.1 4242 443\r\n",
                                          V2(0x21, 0x11, kV4Block), V2(0x20, 0, "")};
  for (const std::string& bytes : whole) {
    for (size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_EQ(Read(bytes.substr(0, size)), "incomplete") << bytes << size;
    }
    EXPECT_EQ(ReadProxyHeader(bytes + "rest").size, bytes.size());
  }
}

}  // namespace
}  // namespace gatehouse::proxy

// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "source/config/values.h"

namespace gatehouse::config {
namespace {

using Kind = Address::Kind;

std::string ErrorOf(std::string_view text) {
  const Result<Address> result = ParseAddress(text);
  return result ? "no error" : result.error().message;
}

TEST(AddressTest, Parses) {
  EXPECT_EQ(ParseAddress("127.0.0.1:80"), (Address{Kind::kIpv4, "127.0.0.1", 80}));
  EXPECT_EQ(ParseAddress(":8080"), (Address{Kind::kIpv4, "0.0.0.0", 8080}));
  EXPECT_EQ(ParseAddress("10.0.0.1:0"), (Address{Kind::kIpv4, "10.0.0.1", 0}));
  EXPECT_EQ(ParseAddress("[::]:65535"), (Address{Kind::kIpv6, "::", 65535}));
  EXPECT_EQ(ParseAddress("[2001:DB8:0::1]:1"), (Address{Kind::kIpv6, "2001:db8::1", 1}));
  EXPECT_EQ(ParseAddress("[::ffff:10.0.0.1]:1"), (Address{Kind::kIpv4, "10.0.0.1", 1}));
  EXPECT_EQ(ParseAddress("localhost:80"), (Address{Kind::kHostname, "localhost", 80}));
  EXPECT_EQ(ParseAddress("3com.example.:80"), (Address{Kind::kHostname, "3com.example.", 80}));
  EXPECT_EQ(ParseAddress("unix:/run/g.sock"), (Address{Kind::kUnix, "/run/g.sock", 0}));
  EXPECT_EQ(ParseAddress("unix:run/g.sock"), (Address{Kind::kUnix, "run/g.sock", 0}));
}

TEST(AddressTest, PrintsWhatItParses) {
  for (const char* text :
       {"127.0.0.1:80", "[::1]:80", "orders.internal:9002", "unix:/run/g.sock"}) {
    EXPECT_EQ(ParseAddress(text)->ToString(), text);
  }
  EXPECT_EQ(ParseAddress(":80")->ToString(), "0.0.0.0:80");
}

TEST(AddressTest, SaysWhatIsWrongWithThePort) {
  for (const char* text : {"127.0.0.1", "localhost", "localhost:", "[::1]", "[::1]:", "[::1]80"}) {
    EXPECT_EQ(ErrorOf(text), "\"" + std::string(text) + "\" has no port");
  }
  EXPECT_EQ(ErrorOf("a:99999"), "\"a:99999\" has a port out of range: at most 65535");
  EXPECT_EQ(ErrorOf("a:99999999999999999999999"),
            "\"a:99999999999999999999999\" has a port out of range: at most 65535");
  EXPECT_EQ(ErrorOf("a:http"), "\"a:http\" has a port that is not a number");
  EXPECT_EQ(ErrorOf("a:-1"), "\"a:-1\" has a port that is not a number");
}

TEST(AddressTest, SaysWhatIsWrongWithTheHost) {
  EXPECT_EQ(ErrorOf(""), "the address is empty; expected host:port");
  EXPECT_EQ(ErrorOf("https://a:443"), "\"https://a:443\" is a URL; expected host:port");
  EXPECT_EQ(ErrorOf("::1:80"),
            "\"::1:80\" has too many colons; an IPv6 address needs brackets, as in [::1]:8080");
  EXPECT_EQ(ErrorOf("[::1:80"), "\"[::1:80\" has no closing bracket");
  EXPECT_EQ(ErrorOf("[1.2.3.4]:80"), "\"[1.2.3.4]:80\" has no IPv6 address in its brackets");
  EXPECT_EQ(ErrorOf("[]:80"), "\"[]:80\" has no IPv6 address in its brackets");
  EXPECT_EQ(ErrorOf("[fe80::1%eth0]:80"),
            "\"[fe80::1%eth0]:80\" has an IPv6 zone, which is not supported");
  EXPECT_EQ(ErrorOf("*:80"), "\"*:80\" has no address; for every address write :80");
  for (const char* text : {"1.2.3:80", "1.2.3.300:80", "1.2.3.4.5:80", "80:80", "a.1:80"}) {
    EXPECT_EQ(ErrorOf(text), "\"" + std::string(text) + "\" is not an IPv4 address");
  }
}

TEST(AddressTest, HostNamesFollowRfc1123) {
  for (const char* text : {"my_service:80", "a b:80", "a/b:80", "\xc3\xa9:80"}) {
    EXPECT_NE(ErrorOf(text).find("letters, digits, hyphens and dots"), std::string::npos) << text;
  }
  for (const char* text : {"-a:80", "a-:80", "a.-b:80"}) {
    EXPECT_NE(ErrorOf(text).find("hyphen"), std::string::npos) << text;
  }
  for (const char* text : {".:80", "a..b:80", ".a:80"}) {
    EXPECT_NE(ErrorOf(text).find("empty label"), std::string::npos) << text;
  }
  const std::string label(63, 'a');
  EXPECT_TRUE(ParseAddress(label + ":80"));
  EXPECT_FALSE(ParseAddress(label + "a:80"));
  const std::string three = label + "." + label + "." + label + ".";
  EXPECT_TRUE(ParseAddress(three + std::string(61, 'a') + ":80"));
  EXPECT_FALSE(ParseAddress(three + std::string(62, 'a') + ":80"));
}

TEST(AddressTest, UnixPaths) {
  EXPECT_EQ(ErrorOf("unix:"), "\"unix:\" has no path");
  EXPECT_EQ(ErrorOf("unix:@name"),
            "\"unix:@name\" is an abstract socket, which is not supported yet");
  EXPECT_TRUE(ParseAddress("unix:" + std::string(107, 'a')));
  EXPECT_FALSE(ParseAddress("unix:" + std::string(108, 'a')));
  EXPECT_FALSE(ParseAddress(std::string_view("unix:a\0b", 8)));
}

TEST(AddressTest, Loopback) {
  for (const char* text :
       {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1", "LOCALHOST.:1", "unix:/x"}) {
    EXPECT_TRUE(ParseAddress(text)->IsLoopback()) << text;
  }
  for (const char* text : {":1", "10.0.0.1:1", "[::]:1", "localhost.example.com:1"}) {
    EXPECT_FALSE(ParseAddress(text)->IsLoopback()) << text;
  }
}

}  // namespace
}  // namespace gatehouse::config

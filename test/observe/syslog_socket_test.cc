// SPDX-License-Identifier: Apache-2.0
// Through LogSink, as it is used: against real sockets.
#include "source/observe/syslog_socket.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/observe/log_sink.h"

namespace gatehouse::observe {
namespace {

constexpr int kPatienceMs = 20'000;

// A socket that is read from; closed at its end.
class Receiver {
 public:
  explicit Receiver(int fd) : fd_(fd) { EXPECT_GE(fd, 0); }
  Receiver(Receiver&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Receiver() {
    if (fd_ >= 0) {
      close(fd_);
    }
  }
  int fd() const { return fd_; }

  static Receiver Inet(int type, uint16_t port = 0) {
    Receiver out(socket(AF_INET, type, 0));
    const int on = 1;
    setsockopt(out.fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(port);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(out.fd_, reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
    if (type == SOCK_STREAM) {
      EXPECT_EQ(listen(out.fd_, 8), 0);
    }
    return out;
  }
  static Receiver Unix(const std::string& path) {
    Receiver out(socket(AF_UNIX, SOCK_DGRAM, 0));
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path.copy(name.sun_path, sizeof name.sun_path - 1);
    EXPECT_EQ(bind(out.fd_, reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
    return out;
  }
  uint16_t port() const {
    sockaddr_in name{};
    socklen_t size = sizeof name;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&name), &size);
    return ntohs(name.sin_port);
  }
  Receiver Accept() const {
    EXPECT_TRUE(Readable());
    return Receiver(accept(fd_, nullptr, nullptr));
  }
  // What comes next: a datagram, or some bytes; "" at the end or when nothing comes in time.
  std::string Next() const {
    std::array<char, 65536> room;
    const ssize_t got = Readable() ? recv(fd_, room.data(), room.size(), 0) : 0;
    return {room.data(), static_cast<size_t>(std::max<ssize_t>(got, 0))};
  }
  std::string Bytes(size_t count) const {
    std::string out;
    while (out.size() < count) {
      const std::string more = Next();
      if (more.empty()) {
        break;
      }
      out += more;
    }
    return out;
  }

 private:
  bool Readable() const {
    pollfd waits{fd_, POLLIN, 0};
    return poll(&waits, 1, kPatienceMs) == 1;
  }
  int fd_;
};

std::shared_ptr<LogSink> Sink(const std::string& address,
                              std::vector<std::string>* said = nullptr) {
  LogSinkOptions options;
  options.syslog = *SyslogAddress::Parse(address);
  options.buffer_bytes = LogSinkOptions::kMinBuffer;
  options.flush_interval = std::chrono::milliseconds(5);
  options.report = [said](const std::string& sentence) {
    if (said != nullptr) {
      said->push_back(sentence);
    }
  };
  return *LogSink::Open(std::move(options));
}

template <typename Condition>
bool Soon(Condition condition) {
  const MonotonicTime deadline = MonotonicNow() + std::chrono::milliseconds(kPatienceMs);
  while (!condition() && MonotonicNow() < deadline) {
    std::this_thread::yield();
  }
  return condition();
}

std::string UnixPath(const std::string& name) {
  std::string path = "/tmp/syslog_" + name + std::to_string(getpid());
  std::filesystem::remove(path);
  return path;
}

TEST(SyslogSocketTest, Addresses) {
  for (const char* text :
       {"unix:/dev/log", "udp://192.0.2.7:514", "tcp://192.0.2.7:601", "tcp://[2001:db8::7]:601"}) {
    const Result<SyslogAddress> address = SyslogAddress::Parse(text);
    ASSERT_TRUE(address) << address.error().message;
    EXPECT_EQ(address->ToString(), text);
  }
  EXPECT_EQ(SyslogAddress::Parse("udp://192.0.2.7")->ToString(), "udp://192.0.2.7:514");
  EXPECT_EQ(SyslogAddress::Parse("udp://[::1]")->ToString(), "udp://[::1]:514");
  EXPECT_EQ(SyslogAddress::Parse("udp://logs.internal:514").error().message,
            "\"udp://logs.internal:514\" must have an IP address: names are not resolved here");
  for (const char* text : {"", "unix:", "unix:log", "/dev/log", "udp://",
                           "udp://192.0.2.7:", "udp://192.0.2.7:0", "udp://192.0.2.7:65536",
                           "tcp://[::1", "tls://::1", "udp://192.0.2.7:5 14", "udp://[::1]x:1"}) {
    EXPECT_FALSE(SyslogAddress::Parse(text)) << text;
  }
  EXPECT_FALSE(SyslogAddress::Parse("unix:/" + std::string(107, 'x')));
}

TEST(SyslogSocketTest, ADatagramForEachLine) {
  const std::string path = UnixPath("each");
  const Receiver unix_socket = Receiver::Unix(path);
  const Receiver udp = Receiver::Inet(SOCK_DGRAM);
  const std::pair<std::string, const Receiver*> both[] = {
      {"unix:" + path, &unix_socket}, {"udp://127.0.0.1:" + std::to_string(udp.port()), &udp}};
  for (const auto& [address, receiver] : both) {
    const auto sink = Sink(address);
    // More than the ring has room for at a time, so that lines lie across its end.
    for (int i = 0; i < 500; ++i) {
      const std::string line = std::to_string(i) + std::string(700, 'x');
      ASSERT_TRUE(sink->Append(0, line + "\n"));
      EXPECT_EQ(receiver->Next(), line);
    }
    EXPECT_EQ(sink->dropped_lines(), 0u);
  }
}

TEST(SyslogSocketTest, FramesOverTcp) {
  const Receiver server = Receiver::Inet(SOCK_STREAM);
  const auto sink = Sink("tcp://127.0.0.1:" + std::to_string(server.port()));
  std::string expected;
  std::vector<std::string> lines;
  for (int i = 0; i < 60; ++i) {
    lines.push_back(std::to_string(i) + std::string(static_cast<size_t>(i) * 17, 'x'));
    ASSERT_TRUE(sink->Append(0, lines.back() + "\n"));
    expected += std::to_string(lines.back().size()) + " " + lines.back();
  }
  const Receiver connection = server.Accept();
  EXPECT_EQ(connection.Bytes(expected.size()), expected);
}

TEST(SyslogSocketTest, ASlowReaderOfTcpLosesNothing) {
  const Receiver server = Receiver::Inet(SOCK_STREAM);
  const int little = 4096;
  setsockopt(server.fd(), SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
  const auto sink = Sink("tcp://127.0.0.1:" + std::to_string(server.port()));
  const std::string line(3000, 'y');
  size_t kept = 0;
  while (sink->Append(0, line + "\n") || sink->written_bytes() == 0) {
    ++kept;  // Until both the kernel's buffers and the ring are full.
    ASSERT_LT(kept, 100'000'000u);
  }
  const Receiver connection = server.Accept();
  const std::string frame = "3000 " + line;
  const auto before = sink->written_bytes();
  (void)before;
  size_t got = 0;
  std::string rest;
  while (got < 20) {
    rest += connection.Next();
    while (rest.size() >= frame.size()) {
      ASSERT_EQ(rest.substr(0, frame.size()), frame);
      rest.erase(0, frame.size());
      ++got;
    }
  }
}

TEST(SyslogSocketTest, AServerThatIsNotThereIsWaitedFor) {
  const std::string path = UnixPath("late");
  std::vector<std::string> said;
  auto sink = Sink("unix:" + path, &said);
  ASSERT_TRUE(sink->Append(0, "early\n"));
  ASSERT_TRUE(Soon([&] { return sink->write_errors() > 1; }));
  const Receiver receiver = Receiver::Unix(path);
  EXPECT_EQ(receiver.Next(), "early");
  ASSERT_TRUE(Soon([&] { return sink->written_bytes() == 6; }));
  sink.reset();
  ASSERT_EQ(said.size(), 2u);
  EXPECT_NE(said[0].find("unix:" + path), std::string::npos);
  EXPECT_NE(said[0].find("No such file"), std::string::npos);
  EXPECT_NE(said[1].find("written again"), std::string::npos);
}

TEST(SyslogSocketTest, TcpConnectsAnew) {
  const Receiver server = Receiver::Inet(SOCK_STREAM);
  const auto sink = Sink("tcp://127.0.0.1:" + std::to_string(server.port()));
  ASSERT_TRUE(sink->Append(0, "one\n"));
  {
    const Receiver first = server.Accept();
    EXPECT_EQ(first.Bytes(5), "3 one");
  }
  ASSERT_TRUE(sink->Append(0, "two\n"));
  const Receiver second = server.Accept();
  EXPECT_EQ(second.Bytes(5), "3 two");
}

TEST(SyslogSocketTest, ADatagramThatIsTooLongIsCounted) {
  const Receiver udp = Receiver::Inet(SOCK_DGRAM);
  LogSinkOptions options;
  options.syslog = *SyslogAddress::Parse("udp://127.0.0.1:" + std::to_string(udp.port()));
  const auto sink = *LogSink::Open(std::move(options));
  ASSERT_TRUE(sink->Append(0, std::string(70'000, 'x') + "\n"));
  ASSERT_TRUE(sink->Append(0, "short\n"));
  EXPECT_EQ(udp.Next(), "short");
  EXPECT_TRUE(Soon([&] { return sink->dropped_lines() == 1; }));
}

TEST(SyslogSocketTest, OneWriterForEachServer) {
  LogSinks sinks;
  LogSinkOptions one;
  one.syslog = *SyslogAddress::Parse("udp://127.0.0.1:9");
  LogSinkOptions other;
  other.syslog = *SyslogAddress::Parse("udp://127.0.0.1:10");
  const auto first = *sinks.Open(one);
  EXPECT_EQ(*sinks.Open(one), first);
  EXPECT_NE(*sinks.Open(other), first);
}

}  // namespace
}  // namespace gatehouse::observe

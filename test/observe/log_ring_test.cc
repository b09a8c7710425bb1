// SPDX-License-Identifier: Apache-2.0
#include "source/observe/log_ring.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace gatehouse::observe {
namespace {

std::string TakeAll(LogRing& ring) {
  std::array<iovec, 2> pieces;
  std::string out;
  const int count = ring.Peek(pieces);
  for (int i = 0; i < count; ++i) {
    out.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
  }
  ring.Pop(out.size());
  return out;
}

TEST(LogRingTest, KeepsTheOrderAcrossItsEnd) {
  const auto ring = LogRing::Make(4096);
  size_t waiting = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string line = std::to_string(i) + std::string(i % 700, 'x');
    ASSERT_TRUE(ring->Push(line, &waiting));
    EXPECT_EQ(waiting, line.size());
    ASSERT_EQ(TakeAll(*ring), line);
  }
  EXPECT_EQ(ring->waiting(), 0u);
}

TEST(LogRingTest, TakesAllOfALineOrNothing) {
  const auto ring = LogRing::Make(4096);
  size_t waiting = 0;
  EXPECT_TRUE(ring->Push(std::string(4000, 'a'), &waiting));
  EXPECT_FALSE(ring->Push(std::string(97, 'b'), &waiting));
  EXPECT_EQ(waiting, 4000u);
  EXPECT_TRUE(ring->Push(std::string(96, 'c'), &waiting));
  EXPECT_FALSE(ring->Push("d", &waiting));
  EXPECT_EQ(TakeAll(*ring), std::string(4000, 'a') + std::string(96, 'c'));
  EXPECT_FALSE(ring->Push(std::string(4097, 'e'), &waiting));
}

TEST(LogRingTest, OneThreadPushesWhileAnotherTakes) {
  constexpr int kLines = 50'000;
  const auto ring = LogRing::Make(4096);
  std::thread producer([&] {
    size_t waiting;
    for (int i = 0; i < kLines;) {
      if (ring->Push(std::to_string(i) + "\n", &waiting)) {
        ++i;
      } else {
        std::this_thread::yield();
      }
    }
  });
  std::string all;
  while (all.size() < 8 || all.substr(all.size() - 6) != std::to_string(kLines - 1) + "\n") {
    all += TakeAll(*ring);
  }
  producer.join();
  std::string expected;
  for (int i = 0; i < kLines; ++i) {
    expected += std::to_string(i) + "\n";
  }
  EXPECT_EQ(all, expected);
}

}  // namespace
}  // namespace gatehouse::observe

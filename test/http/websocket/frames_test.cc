// SPDX-License-Identifier: Apache-2.0
#include "source/http/websocket/frames.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gatehouse::http {
namespace {

// A frame with `size` bytes of payload, its length written in the shortest way.
std::string Frame(size_t size, bool masked) {
  std::string out = "\x82";
  const char mask = masked ? '\x80' : '\0';
  if (size < 126) {
    out += static_cast<char>(mask | static_cast<char>(size));
  } else {
    const int bytes = size < 65536 ? 2 : 8;
    out += static_cast<char>(mask | static_cast<char>(bytes == 2 ? 126 : 127));
    for (int i = bytes - 1; i >= 0; --i) {
      out += static_cast<char>(size >> (8 * i));
    }
  }
  return out + (masked ? "mask" : "") + std::string(size, '\xff');
}

class FrameSizes : public testing::TestWithParam<bool> {};

TEST_P(FrameSizes, EndWhereTheirLengthSays) {
  for (const size_t size : {0u, 1u, 125u, 126u, 127u, 65535u, 65536u, 70000u}) {
    const std::string frame = Frame(size, GetParam());
    FrameBoundaries frames;
    EXPECT_TRUE(frames.at_boundary());
    frames.Pass(frame.substr(0, 1));
    EXPECT_FALSE(frames.at_boundary()) << size;
    EXPECT_EQ(frames.PassToBoundary(frame.substr(1) + "next"), frame.size() - 1) << size;
    EXPECT_TRUE(frames.at_boundary()) << size;
  }
}

TEST_P(FrameSizes, DoNotDependOnHowTheyArrive) {
  std::string bytes;
  std::vector<size_t> ends = {0};
  for (const size_t size : {3u, 0u, 200u, 70000u, 1u}) {
    bytes += Frame(size, GetParam());
    ends.push_back(bytes.size());
  }
  for (const size_t step : {1u, 7u, 4096u}) {
    FrameBoundaries frames;
    std::vector<size_t> found;
    for (size_t at = 0; at < bytes.size(); at += step) {
      if (step == 1 && frames.at_boundary()) {
        found.push_back(at);
      }
      frames.Pass(std::string_view(bytes).substr(at, step));
    }
    EXPECT_TRUE(frames.at_boundary());
    if (step == 1) {
      found.push_back(bytes.size());
      EXPECT_EQ(found, ends);
    }
  }
}

TEST_P(FrameSizes, NoBoundaryIsAmongBytesOfOneFrame) {
  FrameBoundaries frames;
  const std::string frame = Frame(1000, GetParam());
  frames.Pass(frame.substr(0, 3));
  EXPECT_EQ(frames.PassToBoundary(frame.substr(3, 500)), 500u);
  EXPECT_FALSE(frames.at_boundary());
}

INSTANTIATE_TEST_SUITE_P(Masking, FrameSizes, testing::Bool());

TEST(Frames, AtABoundaryNothingPasses) {
  FrameBoundaries frames;
  EXPECT_EQ(frames.PassToBoundary("\x81\x01x"), 0u);
}

TEST(Frames, ALengthOf64BitsIsNoOverflow) {
  FrameBoundaries frames;
  frames.Pass("\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff");
  frames.Pass(std::string(100000, 'x'));
  EXPECT_FALSE(frames.at_boundary());
}

TEST(Frames, GoingAwayIsAFrame) {
  FrameBoundaries frames;
  frames.Pass(kGoingAwayFrame);
  EXPECT_TRUE(frames.at_boundary());
}

}  // namespace
}  // namespace gatehouse::http

// SPDX-License-Identifier: Apache-2.0
#include "source/observe/histogram.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <string>

namespace gatehouse::observe {
namespace {

size_t Slowly(int64_t value) {
  size_t bucket = 0;
  while (value > kBucketBounds[bucket]) {
    ++bucket;
  }
  return bucket;
}

TEST(Histogram, EveryBoundBelongsToTheBucketBelow) {
  for (size_t i = 0; i + 1 < kBuckets; ++i) {
    EXPECT_EQ(BucketOf(Duration(kBucketBounds[i] - 1)), i);
    EXPECT_EQ(BucketOf(Duration(kBucketBounds[i])), i);
    EXPECT_EQ(BucketOf(Duration(kBucketBounds[i] + 1)), i + 1);
  }
}

TEST(Histogram, AllWidthsOfNumbers) {
  for (int bit = 0; bit < 63; ++bit) {
    for (const int64_t nearby : {-1, 0, 1}) {
      const int64_t value = (int64_t{1} << bit) + nearby;
      EXPECT_EQ(BucketOf(Duration(value)), Slowly(value)) << value;
    }
  }
  EXPECT_EQ(BucketOf(Duration::max()), kBuckets - 1);
}

TEST(Histogram, ATimeBeforeItsBeginningIsNone) {
  EXPECT_EQ(BucketOf(Duration(-1)), 0u);
  EXPECT_EQ(BucketOf(Duration::min()), 0u);
}

TEST(Histogram, LabelsSayTheBounds) {
  for (size_t i = 0; i + 1 < kBuckets; ++i) {
    const double seconds = std::strtod(std::string(kBucketLabels[i]).c_str(), nullptr);
    EXPECT_EQ(std::llround(seconds * 1e9), kBucketBounds[i]);
  }
  EXPECT_EQ(kBucketLabels.back(), "+Inf");
}

}  // namespace
}  // namespace gatehouse::observe

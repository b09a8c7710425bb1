// SPDX-License-Identifier: Apache-2.0
#include "source/http/path.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace gatehouse::http {
namespace {

constexpr PathOptions kKeepSlashes{.merge_slashes = true, .encoded_slash = EncodedSlash::kKeep};
constexpr PathOptions kUnmerged{.merge_slashes = false};

class PathTest : public testing::Test {
 protected:
  // The normal form, or "refused".
  std::string Normalise(std::string_view path, const PathOptions& options = {}) {
    const auto normal = NormalisePath(path, options, arena_);
    if (!normal) {
      EXPECT_EQ(normal.error().code, ErrorCode::kMalformedPath);
      EXPECT_EQ(normal.error().source, ErrorSource::kDownstream);
      return "refused";
    }
    return std::string(*normal);
  }

  ArenaPool pool_;
  Arena arena_{pool_};
};

TEST_F(PathTest, NormalPathsStayWhereTheyAre) {
  for (const std::string_view path :
       {"/", "/a", "/a/b/", "/a.b/c..d/.../", "*", "/a;b=c/@:!$&'()", "/%20/%25", "/%E2%82%AC"}) {
    const auto normal = NormalisePath(path, {}, arena_);
    ASSERT_TRUE(normal) << path;
    EXPECT_EQ(normal->data(), path.data()) << path;
    EXPECT_EQ(normal->size(), path.size()) << path;
  }
}

TEST_F(PathTest, UnreservedCharactersAreDecodedAndNothingElse) {
  EXPECT_EQ(Normalise("/%61%5a%30%2D%2e%5F%7e"), "/aZ0-._~");
  EXPECT_EQ(Normalise("/%3f%23%3b%20"), "/%3F%23%3B%20");
  EXPECT_EQ(Normalise("/%e2%82%ac"), "/%E2%82%AC");
  EXPECT_EQ(Normalise("/%0d%0a"), "/%0D%0A");
}

TEST_F(PathTest, NothingIsDecodedTwice) {
  EXPECT_EQ(Normalise("/%252e%252e/a"), "/%252e%252e/a");
  EXPECT_EQ(Normalise("/%2561"), "/%2561");
  EXPECT_EQ(Normalise("/%252f"), "/%252f");
}

TEST_F(PathTest, DotSegmentsAreResolved) {
  EXPECT_EQ(Normalise("/a/./b"), "/a/b");
  EXPECT_EQ(Normalise("/a/../b"), "/b");
  EXPECT_EQ(Normalise("/a/b/.."), "/a/");
  EXPECT_EQ(Normalise("/a/b/."), "/a/b/");
  EXPECT_EQ(Normalise("/."), "/");
  EXPECT_EQ(Normalise("/.."), "/");
  EXPECT_EQ(Normalise("/../../a"), "/a");
  EXPECT_EQ(Normalise("/a/%2e%2E/b"), "/b");
  EXPECT_EQ(Normalise("/a/.%2e/b/%2e"), "/b/");
  EXPECT_EQ(Normalise("/a/b/c/./../../g"), "/a/g");
  EXPECT_EQ(Normalise("/.a/..b/c."), "/.a/..b/c.");
}

TEST_F(PathTest, SlashesAreMergedUnlessTold) {
  EXPECT_EQ(Normalise("//a///b//"), "/a/b/");
  EXPECT_EQ(Normalise("/a//../b"), "/b");
  EXPECT_EQ(Normalise("//"), "/");
  EXPECT_EQ(Normalise("//a///b//", kUnmerged), "//a///b//");
  EXPECT_EQ(Normalise("/a//../b", kUnmerged), "/a/b");
  EXPECT_EQ(Normalise("/a//./b", kUnmerged), "/a//b");
}

TEST_F(PathTest, EncodedSlashesAreRefusedUnlessKept) {
  for (const std::string_view path : {"/a%2fb", "/a%2Fb", "/a%5cb", "/a%5Cb", "/a\\b"}) {
    EXPECT_EQ(Normalise(path), "refused") << path;
  }
  EXPECT_EQ(Normalise("/a%2fb", kKeepSlashes), "/a%2Fb");
  EXPECT_EQ(Normalise("/a%5cb", kKeepSlashes), "/a%5Cb");
  EXPECT_EQ(Normalise("/a\\b", kKeepSlashes), "/a%5Cb");
  EXPECT_EQ(Normalise("/a/..%2f..%2fb", kKeepSlashes), "/a/..%2F..%2Fb");
  EXPECT_EQ(Normalise("\\\\\\", kKeepSlashes), "refused");
  EXPECT_EQ(Normalise("/\\\\\\\\", kKeepSlashes), "/%5C%5C%5C%5C");
}

TEST_F(PathTest, MalformedPathsAreRefused) {
  for (const PathOptions& options : {PathOptions(), kKeepSlashes, kUnmerged}) {
    for (const std::string_view path : {"", "a", "a/b", "**", "/%", "/%4", "/a%", "/%zz", "/%4g",
                                        "/%g4", "/%00", "/a%00b", "/%%41", "/% 1"}) {
      EXPECT_EQ(Normalise(path, options), "refused") << path;
    }
  }
}

// For random paths of troublesome pieces: normalising again changes nothing, and no dot segment,
// decodable escape or (when merged) empty segment is left.
TEST_F(PathTest, NormalisingTwiceIsTheSameAsOnce) {
  constexpr std::string_view kPieces[] = {"/",   "//",  ".",   "..",  "a",   "%2e",  "%2E",
                                          "%61", "%25", "%2f", "%5c", "\\",  "%20",  "%e9",
                                          "%",   "%0",  "~",   ";",   "/./", "/../", "%252e"};
  std::mt19937 random(1);
  int accepted = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string path = "/";
    for (size_t left = random() % 8; left > 0; --left) {
      path += kPieces[random() % std::size(kPieces)];
    }
    const PathOptions options{
        .merge_slashes = random() % 2 == 0,
        .encoded_slash = random() % 2 == 0 ? EncodedSlash::kKeep : EncodedSlash::kReject};
    const std::string once = Normalise(path, options);
    if (once == "refused") {
      continue;
    }
    ++accepted;
    ASSERT_EQ(Normalise(once, options), once) << path;
    ASSERT_EQ(once.front(), '/') << path;
    const std::string closed = once + "/";
    ASSERT_EQ(closed.find("/./"), std::string::npos) << path;
    ASSERT_EQ(closed.find("/../"), std::string::npos) << path;
    ASSERT_EQ(once.find("%2E"), std::string::npos) << path;
    ASSERT_EQ(once.find('\\'), std::string::npos) << path;
    if (options.merge_slashes) {
      ASSERT_EQ(once.find("//"), std::string::npos) << path;
    }
    arena_.Reset();
  }
  EXPECT_GT(accepted, 10'000);
}

}  // namespace
}  // namespace gatehouse::http

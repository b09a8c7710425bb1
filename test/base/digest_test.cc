// SPDX-License-Identifier: Apache-2.0
#include "source/base/digest.h"

#include <gtest/gtest.h>

#include <string>

namespace gatehouse {
namespace {

std::string Hex(const Sha256Digest& digest) {
  std::string out;
  for (const uint8_t byte : digest) {
    out.append({"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]});
  }
  return out;
}

// FIPS 180-2, appendix B.
TEST(DigestTest, Sha256) {
  Sha256 sha;
  EXPECT_EQ(Hex(sha.Finish()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  for (int again = 0; again < 2; ++again) {
    EXPECT_EQ(Hex(sha.Add("abc").Finish()),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  }
  EXPECT_EQ(
      Hex(sha.Add("abcdbcdecdefdefgefghfghighijhi").Add("jkijkljklmklmnlmnomnopnopq").Finish()),
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(Hex(sha.Add(std::string(1'000'000, 'a')).Finish()),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(DigestTest, Sha1) {
  EXPECT_EQ(Sha1Base64("abc"), "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=");
  EXPECT_EQ(Sha1Hex("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
}

TEST(DigestTest, KeysDiffer) { EXPECT_NE(RandomKey(), RandomKey()); }

}  // namespace
}  // namespace gatehouse

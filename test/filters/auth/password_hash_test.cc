// SPDX-License-Identifier: Apache-2.0
// The hashes were made by `htpasswd` of apache2-utils and `openssl passwd`.
#include "source/filters/auth/password_hash.h"

#include <gtest/gtest.h>

#include <string>

namespace gatehouse::filters {
namespace {

struct Known {
  std::string password;
  std::string hash;
  PasswordScheme scheme;
};
const Known kKnown[] = {
    {"wonderland", "$2y$04$nXeInEbEYfPf.pnUPi/iYeVQTEwpa5WeN2N0Ohp42Srt3CZ6wgrgO",
     PasswordScheme::kBcrypt},
    {"wonderland", "$2a$04$nXeInEbEYfPf.pnUPi/iYeVQTEwpa5WeN2N0Ohp42Srt3CZ6wgrgO",
     PasswordScheme::kBcrypt},
    {"wonderland", "$2b$04$nXeInEbEYfPf.pnUPi/iYeVQTEwpa5WeN2N0Ohp42Srt3CZ6wgrgO",
     PasswordScheme::kBcrypt},
    {"apr:with:colons", "$apr1$fMDPal1/$6utX0KU5DLjKF.urGXc8q/", PasswordScheme::kApr1},
    {"x", "$apr1$abcdefgh$82JubPF2dQkt1tVfvLnXS.", PasswordScheme::kApr1},
    {"shapass", "{SHA}z0jT3TdveclVlHs5WCpg5cPeIe8=", PasswordScheme::kSha1},
    {"sha256pass", "$5$AXmcEzA7apKaO3HS$fIOYtPhNQeLddu.qZjk/w5Cr5byh8r8sLT1D52dlW01",
     PasswordScheme::kSha256Crypt},
    {"sha512pass",
     "$6$rounds=1000$Hmm.tqtWIhOzutLB$uwgc4Zj8TzQIkTObf5fTObTgQj1vVWwS/"
     "EA2tshEbGV5ykBN3k7QKIVIqgIl2a7ZToAeLYsLlHJ9MziXRRFuz0",
     PasswordScheme::kSha512Crypt},
};

TEST(PasswordHashTest, EverySchemeTellsRightFromWrong) {
  for (const Known& known : kKnown) {
    const Result<PasswordScheme> scheme = CheckPasswordHash(known.hash);
    ASSERT_TRUE(scheme) << known.hash << ": " << scheme.error().message;
    EXPECT_EQ(*scheme, known.scheme) << known.hash;
    EXPECT_TRUE(PasswordMatches(known.password, known.hash)) << known.hash;
    for (const std::string& wrong :
         {known.password + "x", known.password.substr(1), std::string(), std::string(511, 'a'),
          std::string(512, 'a'), std::string(100'000, 'a'), known.hash}) {
      EXPECT_FALSE(PasswordMatches(wrong, known.hash)) << known.hash;
    }
  }
}

TEST(PasswordHashTest, EveryByteCounts) {
  for (const Known& known : kKnown) {
    for (size_t i = 0; i < known.hash.size(); ++i) {
      std::string changed = known.hash;
      changed[i] = changed[i] == 'x' ? 'y' : 'x';
      const bool same_scheme = changed.substr(0, 4) == known.hash.substr(0, 4);
      if (CheckPasswordHash(changed) && same_scheme) {
        EXPECT_FALSE(PasswordMatches(known.password, changed)) << changed;
      }
      EXPECT_FALSE(CheckPasswordHash(known.hash.substr(0, i))) << known.hash.substr(0, i);
    }
    EXPECT_FALSE(CheckPasswordHash(known.hash + "."));
    EXPECT_FALSE(CheckPasswordHash(known.hash + ":"));
  }
}

std::string ErrorOf(std::string_view hash) {
  const Result<PasswordScheme> scheme = CheckPasswordHash(hash);
  return scheme ? "" : scheme.error().message;
}

TEST(PasswordHashTest, WhatWouldTakeTooLongIsRefused) {
  const std::string digits = "$nXeInEbEYfPf.pnUPi/iYeVQTEwpa5WeN2N0Ohp42Srt3CZ6wgrgO";
  EXPECT_EQ(ErrorOf("$2y$14" + digits), "");
  EXPECT_EQ(ErrorOf("$2y$15" + digits),
            "a bcrypt cost of 15 makes each login take too long; at most 14");
  EXPECT_EQ(ErrorOf("$2y$31" + digits),
            "a bcrypt cost of 31 makes each login take too long; at most 14");
  EXPECT_EQ(ErrorOf("$2y$32" + digits), "the bcrypt hash is malformed");
  EXPECT_EQ(ErrorOf("$2y$03" + digits), "the bcrypt hash is malformed");
  EXPECT_EQ(ErrorOf("$2y$-4" + digits), "the bcrypt hash is malformed");
  EXPECT_EQ(ErrorOf("$5$rounds=1000001$abc$" + std::string(43, 'a')),
            "1000001 rounds make each login take too long; at most 1000000");
  EXPECT_EQ(ErrorOf("$5$rounds=999$abc$" + std::string(43, 'a')),
            "the SHA-crypt hash is malformed");
}

TEST(PasswordHashTest, WhatIsNoHash) {
  EXPECT_EQ(ErrorOf(""), "there is no password hash; `htpasswd -B` makes one");
  const std::string clear =
      "this is not a password hash of bcrypt, apr1, {SHA}, $5$ or $6$ but a password in clear "
      "text, "
      "crypt(3)'s DES or another scheme; `htpasswd -B` makes one";
  for (const std::string_view hash :
       {"hunter2", "UiMClXDDGxo9k", "$1$abc$abcdefghijklmnopqrstuv", "$y$j9T$abc$def", "{SSHA}abcd",
        "{sha}z0jT3TdveclVlHs5WCpg5cPeIe8=", "$2x$04$", "*"}) {
    EXPECT_EQ(ErrorOf(hash), clear) << hash;
  }
  EXPECT_EQ(ErrorOf("{SHA}z0jT3TdveclVlHs5WCpg5cPeIe9="), "the {SHA} hash is malformed");
  EXPECT_EQ(ErrorOf("$apr1$toolongsalt$6utX0KU5DLjKF.urGXc8q/"), "the apr1 hash is malformed");
}

}  // namespace
}  // namespace gatehouse::filters

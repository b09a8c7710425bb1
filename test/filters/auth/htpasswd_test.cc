// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/htpasswd.h"

#include <gtest/gtest.h>

#include <string>

#include "source/filters/auth/basic_credentials.h"

namespace gatehouse::filters {
namespace {

const std::string kAlice = "alice:$2y$04$nXeInEbEYfPf.pnUPi/iYeVQTEwpa5WeN2N0Ohp42Srt3CZ6wgrgO";
const std::string kDave = "dave:{SHA}z0jT3TdveclVlHs5WCpg5cPeIe8=";

// The names, then what is wrong: "alice dave|3: ...".
std::string Parse(std::string_view text) {
  std::string mistakes;
  std::string names;
  for (const HtpasswdEntry& entry :
       ParseHtpasswd(text, [&](uint32_t line, const std::string& message) {
         mistakes.append("|").append(std::to_string(line)).append(": ").append(message);
       })) {
    names.append(names.empty() ? "" : " ").append(entry.name);
    names.append("@").append(std::to_string(entry.line));
  }
  return names + mistakes;
}

TEST(HtpasswdTest, Lines) {
  EXPECT_EQ(Parse(""), "");
  EXPECT_EQ(Parse(kAlice), "alice@1");
  EXPECT_EQ(Parse("# staff\r\n\r\n" + kAlice + "\r\n  \n" + kDave + "\n"), "alice@3 dave@5");
}

TEST(HtpasswdTest, EveryMistakeIsReportedWithItsLine) {
  EXPECT_EQ(Parse("alice\n:x\n" + kAlice + "\nbob:hunter2\na\tb" + kDave + "\n" + kAlice + "\n" +
                  std::string(256, 'n') + kDave),
            "alice@3|1: expected NAME:HASH, and there is no colon|2: the user's name is empty|4: "
            "user \"bob\": this is not a password hash of bcrypt, apr1, {SHA}, $5$ or $6$ but a "
            "password in clear text, crypt(3)'s DES or another scheme; `htpasswd -B` makes one|5: "
            "the user's name has control characters|6: user \"alice\" has a line already: 3|7: the "
            "user's name is longer than 255 bytes");
}

TEST(HtpasswdTest, MistakesDoNotQuoteHashes) {
  const std::string said = Parse("bob:hunter2\ncarol:$2y$99$secretsecret\nx$2y$secret\n");
  EXPECT_EQ(said.find("hunter2"), std::string::npos);
  EXPECT_EQ(said.find("secret"), std::string::npos);
}

// "user|password", or the error.
std::string Credentials(std::string_view token) {
  ArenaPool pool;
  Arena arena(pool);
  const Result<BasicCredentials> out = ParseBasicCredentials(token, arena);
  return out ? std::string(out->user) + "|" + std::string(out->password) : out.error().message;
}

TEST(BasicCredentialsTest, Rfc7617) {
  EXPECT_EQ(Credentials("QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), "Aladdin|open sesame");  // Section 2.
  EXPECT_EQ(Credentials("dGVzdDoxMjPCow=="), "test|123£");                        // Section 2.1.
  EXPECT_EQ(Credentials("YTpiOmM6"), "a|b:c:");
  EXPECT_EQ(Credentials("YTo="), "a|");
}

TEST(BasicCredentialsTest, Base64IsStrict) {
  for (const std::string_view token :
       {"", "=", "====", "YTpi=", "YTpiYg=", "YTpiYg", "YTpiYg===", "YTpiYh==", "YTpiYmN=",
        "YTp iYg==", "YTpiYg==YTpi", "YTpi\nYg==", "YTpiYg==,", "YTpi-_8=", "\xff\xff\xff\xff"}) {
    EXPECT_EQ(Credentials(token), "the Basic credentials are not base64") << token;
  }
}

TEST(BasicCredentialsTest, WhatNamesAndPasswordsCannotHold) {
  EXPECT_EQ(Credentials("YWI="), "the Basic credentials have no colon");
  EXPECT_EQ(Credentials("OmI="), "the Basic credentials have no user's name");
  EXPECT_EQ(Credentials("YTpiAGM="), "the Basic credentials have control characters");  // NUL.
  EXPECT_EQ(Credentials("YQo6Yg=="), "the Basic credentials have control characters");
  EXPECT_EQ(Credentials("YTp/"), "the Basic credentials have control characters");
}

}  // namespace
}  // namespace gatehouse::filters

// SPDX-License-Identifier: Apache-2.0
#include "source/http/h1/head_scanner.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>

namespace gatehouse::http {
namespace {

using Outcome = HeadScan::Outcome;

// Scans a copy of exactly the bytes, so that a sanitizer sees reads past the end.
HeadScan Scan(std::string_view text, size_t from = 0) {
  const auto copy = std::make_unique<char[]>(text.size());
  std::copy(text.begin(), text.end(), copy.get());
  return ScanHead({copy.get(), text.size()}, from);
}

TEST(HeadScannerTest, FindsTheEmptyLineAtEveryOffset) {
  for (size_t filler = 0; filler < 200; ++filler) {
    for (const size_t after : {0, 1, 2, 3, 63, 64, 65}) {
      const std::string head = "GET / HTTP/1.1\r\nX: " + std::string(filler, 'v') + "\r\n\r\n";
      const HeadScan scan = Scan(head + std::string(after, '\n'));
      ASSERT_EQ(scan.outcome, Outcome::kWhole);
      ASSERT_EQ(scan.at, head.size());
    }
  }
}

TEST(HeadScannerTest, GoesOnWhereItStopped) {
  for (size_t filler = 0; filler < 140; ++filler) {
    const std::string head = "GET / HTTP/1.1\r\nX: " + std::string(filler, 'v') + "\r\nY:\r\n\r\n";
    size_t from = 0;
    for (size_t size = 1; size < head.size(); ++size) {
      const HeadScan scan = Scan(std::string_view(head).substr(0, size), from);
      ASSERT_EQ(scan.outcome, Outcome::kIncomplete) << size;
      ASSERT_LE(scan.at, size);
      ASSERT_GE(scan.at + 4, size) << "it would scan the same bytes over and over";
      from = scan.at;
    }
    const HeadScan scan = Scan(head, from);
    ASSERT_EQ(scan.outcome, Outcome::kWhole);
    ASSERT_EQ(scan.at, head.size());
  }
}

TEST(HeadScannerTest, NoticesBadBytesBeforeTheHeadIsWhole) {
  using std::string_view_literals::operator""sv;
  for (const std::string_view bad : {"\n"sv, "\r"sv, "\0"sv, "\x01"sv, "\x0b"sv, "\x0c"sv, "\x1f"sv,
                                     "\x7f"sv, "\r\r\n"sv, "\r\n\rX"sv, "\n\n"sv}) {
    for (size_t filler = 0; filler < 80; ++filler) {
      const std::string text =
          "X: " + std::string(filler, 'v') + std::string(bad) + "more than enough";
      ASSERT_EQ(Scan(text).outcome, Outcome::kBadByte) << filler;
    }
  }
  // Right at the end of what has come: nothing more may come.
  for (const std::string_view bad : {"\n"sv, "\r\n\n"sv, "\r\n\0"sv, "\r\r"sv}) {
    EXPECT_EQ(Scan("X: a" + std::string(bad)).outcome, Outcome::kBadByte);
  }
  EXPECT_EQ(Scan("X: a\tb \xe9\xff ~").outcome, Outcome::kIncomplete);
}

// Random texts of line ends and letters against the obvious implementation.
TEST(HeadScannerTest, AgreesWithASimpleSearch) {
  std::mt19937 random(1);
  for (int i = 0; i < 100'000; ++i) {
    std::string text = "X";
    const size_t size = random() % 200;
    while (text.size() < size) {
      text += random() % 8 == 0 ? "\r\n" : random() % 40 == 0 ? "\n" : "v";
    }
    const size_t end = text.find("\r\n\r\n");
    const HeadScan scan = Scan(text);
    if (end != std::string::npos) {
      ASSERT_EQ(scan.outcome, Outcome::kWhole);
      ASSERT_EQ(scan.at, end + 4);
    } else {
      ASSERT_NE(scan.outcome, Outcome::kWhole);
    }
  }
}

}  // namespace
}  // namespace gatehouse::http

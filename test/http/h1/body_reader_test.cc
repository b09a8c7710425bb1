// SPDX-License-Identifier: Apache-2.0
#include "source/http/h1/body_reader.h"

#include <gtest/gtest.h>

#include <string>

namespace gatehouse::http {
namespace {

using std::string_view_literals::operator""sv;

// What a whole message comes to when it is fed `step` bytes at a time.
struct Read {
  std::string data;
  std::string trailers;
  bool end = false;
  bool fault = false;
  size_t left_over = 0;
};

Read ReadChunked(std::string_view message, size_t step, size_t room = 1 << 20) {
  BodyReader reader;
  reader.Begin(Framing::kChunked, 0);
  Read read;
  std::string input;
  for (size_t at = 0; at < message.size() && !read.end && !read.fault;) {
    const std::string_view more = message.substr(at, step);
    input += more;
    at += more.size();
    while (!input.empty() && !read.end) {
      const BodyReader::Piece piece = reader.Next(input, room);
      EXPECT_LE(piece.used, input.size());
      EXPECT_LE(piece.data.size(), room);
      if (piece.fault != nullptr) {
        read.fault = true;
        break;
      }
      read.data += piece.data;
      read.trailers += piece.trailers;
      read.end = piece.end || !piece.trailers.empty();
      if (piece.used == 0) {
        break;
      }
      input.erase(0, piece.used);
    }
  }
  read.left_over = input.size();
  return read;
}

void ExpectBody(std::string_view message, std::string_view body, std::string_view trailers = "") {
  for (const size_t step : {size_t{1}, size_t{2}, size_t{3}, size_t{7}, message.size()}) {
    const Read read = ReadChunked(message, step);
    EXPECT_TRUE(read.end) << message << " step " << step;
    EXPECT_FALSE(read.fault) << message << " step " << step;
    EXPECT_EQ(read.data, body) << message << " step " << step;
    EXPECT_EQ(read.trailers, trailers) << message << " step " << step;
    EXPECT_EQ(read.left_over, 0u);
  }
}

TEST(BodyReaderTest, ChunksAreDecodedHoweverTheyArrive) {
  ExpectBody("5\r\nhello\r\n0\r\n\r\n", "hello");
  ExpectBody("1\r\nh\r\n4\r\nello\r\n0\r\n\r\n", "hello");
  ExpectBody("A\r\n0123456789\r\n000\r\n\r\n", "0123456789");
  ExpectBody("0000000000000005\r\nhello\r\n0\r\n\r\n", "hello");
  ExpectBody("a\r\n\r\n0\r\n\r\n  x\r\n0\r\n\r\n", "\r\n0\r\n\r\n  x");
  ExpectBody("0\r\n\r\n", "");
}

TEST(BodyReaderTest, ExtensionsAreDropped) {
  ExpectBody("5;a\r\nhello\r\n0;z\r\n\r\n", "hello");
  ExpectBody("5;a=b;c=\"d;\\\"e \t\xe9\"\r\nhello\r\n0\r\n\r\n", "hello");
  ExpectBody("5;a=\"\"\r\nhello\r\n0\r\n\r\n", "hello");
}

TEST(BodyReaderTest, TrailersComeWhole) {
  ExpectBody("5\r\nhello\r\n0\r\nX: 1\r\nY:\r\n\r\n", "hello", "X: 1\r\nY:\r\n\r\n");
  ExpectBody("0\r\nX: 1\r\n\r\n", "", "X: 1\r\n\r\n");
}

TEST(BodyReaderTest, MalformedChunksAreFaults) {
  for (const std::string_view message : {"+5\r\nhello\r\n0\r\n\r\n"sv,
                                         "-5\r\nhello\r\n0\r\n\r\n"sv,
                                         "0x5\r\nhello\r\n0\r\n\r\n"sv,
                                         "5g\r\nhello\r\n0\r\n\r\n"sv,
                                         "\r\nhello\r\n0\r\n\r\n"sv,
                                         " 5\r\nhello\r\n0\r\n\r\n"sv,
                                         "\x0b"
                                         "5\r\nhello\r\n0\r\n\r\n"sv,
                                         "5 \r\nhello\r\n0\r\n\r\n"sv,
                                         "5\t\r\nhello\r\n0\r\n\r\n"sv,
                                         "5,\r\nhello\r\n0\r\n\r\n"sv,
                                         "10000000000000005\r\nhello"sv,
                                         "00000000000000005\r\nhello"sv,
                                         "FFFFFFFFFFFFFFFF\r\nhello"sv,
                                         "8000000000000000\r\nhello"sv,
                                         "3\r\nhello\r\n0\r\n\r\n"sv,
                                         "5\r\nhello0\r\n\r\n"sv,
                                         "5\r\nhelloXX0\r\n\r\n"sv,
                                         "5\r\nhello\rX0\r\n\r\n"sv,
                                         "5\r\nhello\n0\r\n\r\n"sv,
                                         "5\rXhello\r\n0\r\n\r\n"sv,
                                         "5\nhello\r\n0\r\n\r\n"sv,
                                         "5\0\r\nhello\r\n0\r\n\r\n"sv,
                                         "5;\r\nhello\r\n0\r\n\r\n"sv,
                                         "5;a\rb\r\nhello\r\n0\r\n\r\n"sv,
                                         "5;a\nhello\r\n0\r\n\r\n"sv,
                                         "5 ;a\r\nhello\r\n0\r\n\r\n"sv,
                                         "5; a\r\nhello\r\n0\r\n\r\n"sv,
                                         "5;a =b\r\nhello\r\n0\r\n\r\n"sv,
                                         "5;a=\r\nhello\r\n0\r\n\r\n"sv,
                                         "5;a=b=c\r\nhello\r\n0\r\n\r\n"sv,
                                         "5;a=\"b\r\n\"\r\nhello\r\n"sv,
                                         "5;a=\"b\0\"\r\nhello\r\n"sv,
                                         "5;a=\"b\"c\r\nhello\r\n"sv,
                                         "5;a=\"b\\\n\"\r\nhello\r\n"sv,
                                         "2;\nxx\r\n29\r\n"sv,
                                         "5\r\nhello\r\n0\r\n\nX"sv,
                                         "5\r\nhello\r\n0\r\n\rX\r\n"sv}) {
    for (const size_t step : {size_t{1}, size_t{4}, message.size()}) {
      const Read read = ReadChunked(message, step);
      EXPECT_TRUE(read.fault) << message << " step " << step;
      EXPECT_FALSE(read.end) << message << " step " << step;
    }
  }
}

TEST(BodyReaderTest, ExtensionsAreBoundedPerMessage) {
  std::string message;
  for (int i = 0; i < 200; ++i) {
    message += "1;" + std::string(99, 'e') + "\r\nx\r\n";
  }
  EXPECT_TRUE(ReadChunked(message + "0\r\n\r\n", message.size()).fault);
  EXPECT_TRUE(ReadChunked("1;a=\"" + std::string(20'000, 'e'), 4096).fault);
}

TEST(BodyReaderTest, NeverGivesMoreThanThereIsRoomFor) {
  const Read read = ReadChunked("5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n", 100, 2);
  EXPECT_TRUE(read.end);
  EXPECT_EQ(read.data, "helloworld");
}

TEST(BodyReaderTest, TheEndIsSeenWithTheLastData) {
  BodyReader reader;
  reader.Begin(Framing::kChunked, 0);
  const BodyReader::Piece piece = reader.Next("5\r\nhello\r\n0\r\n\r\nrest", 100);
  EXPECT_EQ(piece.data, "hello");
  EXPECT_TRUE(piece.end);
  EXPECT_EQ(piece.used, 15u);
}

TEST(BodyReaderTest, ALengthEndsTheMessage) {
  BodyReader reader;
  reader.Begin(Framing::kLength, 5);
  BodyReader::Piece piece = reader.Next("hel", 100);
  EXPECT_EQ(piece.data, "hel");
  EXPECT_FALSE(piece.end);
  piece = reader.Next("loGET", 100);
  EXPECT_EQ(piece.data, "lo");
  EXPECT_EQ(piece.used, 2u);
  EXPECT_TRUE(piece.end);
}

TEST(BodyReaderTest, OnlyTheCloseEndsSomeMessages) {
  BodyReader reader;
  reader.Begin(Framing::kUntilClose, 0);
  const BodyReader::Piece piece = reader.Next("0\r\n\r\n", 100);
  EXPECT_EQ(piece.data, "0\r\n\r\n");
  EXPECT_FALSE(piece.end);
  EXPECT_TRUE(reader.ends_at_close());
}

}  // namespace
}  // namespace gatehouse::http

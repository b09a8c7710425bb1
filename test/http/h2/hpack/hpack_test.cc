// SPDX-License-Identifier: Apache-2.0
// HPACK (RFC 7541) as we use it, against the header lists of http2jp and what other encoders made
// of them: see README.md.
#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "source/base/text.h"
#include "source/http/h2/field_list.h"
#include "test/http/h2/blocks.h"

namespace gatehouse::http {
namespace {

struct Block {
  size_t table_size = 0;
  std::string bytes;
};

struct Story {
  std::vector<Pairs> lists;
  std::map<std::string, std::vector<Block>> encodings;  // By encoder, one for each list.
};

std::string FromHex(std::string_view hex) {
  std::string out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    out += static_cast<char>(HexDigit(hex[i]) * 16 + HexDigit(hex[i + 1]));
  }
  return out;
}

std::map<std::string, Story> ReadStories() {
  std::map<std::string, Story> stories;
  std::ifstream in("test/http/h2/hpack/stories.txt");
  EXPECT_TRUE(in.is_open());
  Story* story = nullptr;
  std::vector<Block>* blocks = nullptr;
  for (std::string line; std::getline(in, line);) {
    if (const size_t tab = line.find('\t'); tab != std::string::npos) {
      story->lists.back().emplace_back(line.substr(0, tab), line.substr(tab + 1));
    } else if (line.starts_with("story ")) {
      story = &stories[line.substr(6)];
    } else if (line == "list") {
      story->lists.emplace_back();
    } else if (line.starts_with("encoder ")) {
      blocks = &story->encodings[line.substr(8)];
    } else {
      const size_t space = line.find(' ', 6);
      blocks->push_back({*ParseUint(line.substr(6, space - 6)), FromHex(line.substr(space + 1))});
    }
  }
  return stories;
}

const std::map<std::string, Story>& Stories() {
  static const std::map<std::string, Story> kStories = ReadStories();
  return kStories;
}

class Inflater {
 public:
  Inflater() { EXPECT_EQ(nghttp2_hd_inflate_new(&inflater_), 0); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { nghttp2_hd_inflate_del(inflater_); }

  void SetTableSize(size_t bytes) {
    EXPECT_EQ(nghttp2_hd_inflate_change_table_size(inflater_, bytes), 0);
  }
  // Nothing for a block that is broken.
  Pairs Decode(std::string_view block) {
    Pairs pairs;
    const auto* in = reinterpret_cast<const uint8_t*>(block.data());
    size_t left = block.size();
    while (true) {
      nghttp2_nv pair;
      int flags = 0;
      const ssize_t used = nghttp2_hd_inflate_hd2(inflater_, &pair, &flags, in, left, 1);
      if (used < 0) {
        return {};
      }
      in += used;
      left -= used;
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
        const Pairs one = ToPairs({&pair, 1});
        pairs.push_back(one.front());
      }
      if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) {
        nghttp2_hd_inflate_end_headers(inflater_);
        return pairs;
      }
    }
  }

 private:
  nghttp2_hd_inflater* inflater_ = nullptr;
};

class Deflater {
 public:
  explicit Deflater(size_t table) { EXPECT_EQ(nghttp2_hd_deflate_new(&deflater_, table), 0); }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;
  ~Deflater() { nghttp2_hd_deflate_del(deflater_); }

  std::string Encode(FieldList::Pairs pairs) {
    std::string out(nghttp2_hd_deflate_bound(deflater_, pairs.data(), pairs.size()), '\0');
    const ssize_t size = nghttp2_hd_deflate_hd(deflater_, reinterpret_cast<uint8_t*>(out.data()),
                                               out.size(), pairs.data(), pairs.size());
    EXPECT_GE(size, 0);
    out.resize(size);
    return out;
  }

 private:
  nghttp2_hd_deflater* deflater_ = nullptr;
};

TEST(HpackTest, WhatEveryEncoderMadeIsDecoded) {
  size_t blocks = 0;
  size_t files = 0;
  for (const auto& [name, story] : Stories()) {
    for (const auto& [encoder, encodings] : story.encodings) {
      ++files;
      Inflater inflater;
      ASSERT_EQ(encodings.size(), story.lists.size());
      size_t table_size = 4096;
      for (size_t i = 0; i < encodings.size(); ++i) {
        if (encodings[i].table_size != table_size) {
          table_size = encodings[i].table_size;
          inflater.SetTableSize(table_size);
        }
        ASSERT_EQ(inflater.Decode(encodings[i].bytes), story.lists[i]) << encoder << " " << name;
        ++blocks;
      }
    }
  }
  // All 478 files but the 32 that are the lists themselves.
  EXPECT_EQ(files, 446u);
  EXPECT_GT(blocks, 20'000u);
}

// Fields go out as FieldList has them, through a table of the default size and one of none.
TEST(HpackTest, WhatWeEncodeIsWhatWasMeant) {
  for (const size_t table : {size_t{4096}, size_t{0}}) {
    for (const auto& [name, story] : Stories()) {
      ArenaPool pool;
      Inflater inflater;
      inflater.SetTableSize(table);
      Deflater deflater(table);
      for (const Pairs& list : story.lists) {
        Arena arena(pool);
        Headers headers(arena);
        for (const auto& [field, value] : list) {
          headers.Add(field, value);
        }
        FieldList fields;
        const FieldList::Pairs sent = fields.Trailers(headers);
        ASSERT_EQ(inflater.Decode(deflater.Encode(sent)), ToPairs(sent)) << name;
      }
    }
  }
}

TEST(HpackTest, BrokenBlocksAreRefused) {
  for (const std::string hex : {"80", "bf", "ff80808080808080", "40", "4003", "0a",
                                "ffffffffffffff", "3fe2ff01", "418aff"}) {
    EXPECT_EQ(Inflater().Decode(FromHex(hex)), Pairs()) << hex;
  }
}

}  // namespace
}  // namespace gatehouse::http

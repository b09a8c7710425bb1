// SPDX-License-Identifier: Apache-2.0
// Bytes from Redis to answers, by hiredis' reader: the only includer of hiredis.
//
// Not its asynchronous context: that one asserts when a server sends what nobody asked for, and
// looks names up while everybody waits.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "source/base/error.h"
#include "source/pipeline/services.h"

namespace gatehouse::redis {

struct Reply {
  bool is_error = false;  // `value` is the text.
  pipeline::RedisValue value;
};

// What one connection sends. Not thread-safe.
class ReplyReader {
 public:
  // Larger ones are an error, as are arrays within arrays beyond hiredis' seven: nothing that is
  // asked for is.
  static constexpr size_t kMaxBytes = 64 * 1024;
  static constexpr size_t kMaxElements = 256;  // Of all arrays of one answer.

  ReplyReader();
  ~ReplyReader();
  ReplyReader(const ReplyReader&) = delete;
  ReplyReader& operator=(const ReplyReader&) = delete;

  // Takes `bytes`, at best 16 KiB or less at once; Next() follows until it has no more.
  void Feed(std::string_view bytes);
  // The next whole answer, valid until the next call; null: bytes are missing. After an error
  // (ErrorCode::kIo) nothing can be read any more.
  Result<const Reply*> Next();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace gatehouse::redis

// SPDX-License-Identifier: Apache-2.0
#include "source/proxy/redis/reply_reader.h"

#include <hiredis/hiredis.h>

#include <array>
#include <cstring>
#include <span>
#include <utility>

namespace gatehouse::redis {

using pipeline::RedisValue;

// hiredis tells it what it finds, the outer before the inner; a null for an answer ends the reader.
// Everything lies in place, so no answer can take more, or any memory of its own.
struct ReplyReader::Parts {
  struct Free {
    void operator()(redisReader* reader) const { redisReaderFree(reader); }
  };

  static Parts& Of(const redisReadTask* task) { return *static_cast<Parts*>(task->privdata); }

  // Where the task's value belongs.
  RedisValue* Place(const redisReadTask* task) {
    if (task->parent == nullptr) {
      text_used = elements_used = 0;
      reply = Reply{};
      return &reply.value;
    }
    const auto* parent = static_cast<const RedisValue*>(task->parent->obj);
    const auto first = static_cast<size_t>(parent->elements.data() - elements.data());
    return &elements[first + static_cast<size_t>(task->idx)];
  }

  static void* OnText(const redisReadTask* task, char* bytes, size_t size) {
    Parts& self = Of(task);
    RedisValue* const value = self.Place(task);
    if (size > self.text.size() - self.text_used) {
      return nullptr;
    }
    char* const copy = self.text.data() + self.text_used;
    std::memcpy(copy, bytes, size);
    self.text_used += size;
    value->kind = RedisValue::Kind::kText;
    value->text = {copy, size};
    self.reply.is_error =
        self.reply.is_error || (task->parent == nullptr && task->type == REDIS_REPLY_ERROR);
    return value;
  }

  static void* OnArray(const redisReadTask* task, int count) {
    Parts& self = Of(task);
    RedisValue* const value = self.Place(task);
    const auto size = static_cast<size_t>(count);
    if (size > self.elements.size() - self.elements_used) {
      return nullptr;
    }
    const std::span<RedisValue> places(self.elements.data() + self.elements_used, size);
    self.elements_used += size;
    for (RedisValue& place : places) {
      place = RedisValue{};
    }
    value->kind = RedisValue::Kind::kArray;
    value->elements = places;
    return value;
  }

  static void* OnInteger(const redisReadTask* task, long long number) {  // NOLINT: hiredis' type.
    RedisValue* const value = Of(task).Place(task);
    value->kind = RedisValue::Kind::kInteger;
    value->integer = number;
    return value;
  }

  static void* OnNil(const redisReadTask* task) {
    RedisValue* const value = Of(task).Place(task);
    value->kind = RedisValue::Kind::kNil;
    return value;
  }

  redisReplyObjectFunctions functions{OnText, OnArray, OnInteger, OnNil, [](void*) {}};
  Reply reply;
  std::array<char, kMaxBytes> text;
  std::array<RedisValue, kMaxElements> elements;
  size_t text_used = 0;
  size_t elements_used = 0;
  std::unique_ptr<redisReader, Free> reader;
};

ReplyReader::ReplyReader() : parts_(std::make_unique<Parts>()) {
  parts_->reader.reset(redisReaderCreateWithFunctions(&parts_->functions));
  parts_->reader->privdata = parts_.get();
}

ReplyReader::~ReplyReader() = default;

void ReplyReader::Feed(std::string_view bytes) {
  redisReaderFeed(parts_->reader.get(), bytes.data(), bytes.size());  // Next() tells its error.
}

Result<const Reply*> ReplyReader::Next() {
  redisReader* const reader = parts_->reader.get();
  void* found = nullptr;
  if (redisReaderGetReply(reader, &found) != REDIS_OK) {
    const bool too_large = reader->err == REDIS_ERR_OOM;
    return Fail(ErrorCode::kIo, ErrorSource::kUpstream,
                too_large ? "its answer is too large"
                          : std::string("that is not Redis: ") + reader->errstr);
  }
  if (found == nullptr) {
    if (reader->len - reader->pos > kMaxBytes) {
      return Fail(ErrorCode::kIo, ErrorSource::kUpstream, "its answer is too large");
    }
    return nullptr;
  }
  return &parts_->reply;
}

}  // namespace gatehouse::redis

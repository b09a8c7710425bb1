// SPDX-License-Identifier: Apache-2.0
#include "source/http/h2/frame_memory.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace gatehouse::http {
namespace {

// A frame's head, a byte for padding and the payload: the first that nghttp2 asks for of this size
// is the piece it keeps. Further ones are for header blocks that don't fit, and its own.
constexpr size_t kFramePiece = 9 + 1 + 16 * 1024;

void* SharedPiece() {
  thread_local const std::unique_ptr<std::byte[]> piece(new std::byte[kFramePiece]);
  return piece.get();
}

}  // namespace

struct FrameMemory::Calls {
  static void* Malloc(size_t bytes, void*) noexcept { return std::malloc(bytes); }
  static void* Calloc(size_t count, size_t bytes, void*) noexcept {
    return std::calloc(count, bytes);
  }
  static void Free(void* piece, void* user) noexcept {
    if (piece != static_cast<FrameMemory*>(user)->lent_) {
      std::free(piece);
    }
  }
  // nghttp2 makes room for frames this way.
  static void* Realloc(void* piece, size_t bytes, void* user) noexcept {
    auto& memory = *static_cast<FrameMemory*>(user);
    if (piece == nullptr && bytes == kFramePiece && memory.lent_ == nullptr) {
      return memory.lent_ = SharedPiece();
    }
    if (piece == nullptr || piece != memory.lent_) {
      return std::realloc(piece, bytes);
    }
    void* const own = std::malloc(bytes);
    if (own != nullptr) {
      std::memcpy(own, piece, std::min(bytes, kFramePiece));
    }
    return own;
  }
};

nghttp2_mem FrameMemory::functions() {
  return {this, Calls::Malloc, Calls::Free, Calls::Calloc, Calls::Realloc};
}

}  // namespace gatehouse::http

// SPDX-License-Identifier: Apache-2.0
#include "source/server/packed_text.h"

#include <zlib.h>

#include "source/base/check.h"

namespace gatehouse::server {

PackedText::PackedText(std::string_view text) : size_(text.size()) {
  uLongf size = compressBound(text.size());
  packed_.resize(size);
  const int result =
      compress2(reinterpret_cast<Bytef*>(packed_.data()), &size,
                reinterpret_cast<const Bytef*>(text.data()), text.size(), Z_BEST_SPEED);
  GATEHOUSE_CHECK(result == Z_OK, "a text can't be compressed");
  packed_.resize(size);
  packed_.shrink_to_fit();
}

std::string PackedText::Unpack() const {
  std::string text(size_, '\0');
  if (size_ > 0) {
    uLongf size = size_;
    const int result = uncompress(reinterpret_cast<Bytef*>(text.data()), &size,
                                  reinterpret_cast<const Bytef*>(packed_.data()), packed_.size());
    GATEHOUSE_CHECK(result == Z_OK && size == size_, "a compressed text is broken");
  }
  return text;
}

}  // namespace gatehouse::server

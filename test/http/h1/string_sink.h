// SPDX-License-Identifier: Apache-2.0
// A ByteSink that keeps what it gets.
#pragma once

#include <string>

#include "source/http/codec.h"

namespace gatehouse::http {

class StringSink : public ByteSink {
 public:
  void Write(std::string_view bytes) override { bytes_.append(bytes); }
  char* Reserve(size_t bytes) override {
    room_.assign(bytes, '?');
    return room_.data();
  }
  void Commit(size_t bytes) override { bytes_.append(room_.data(), bytes); }

  uint32_t MarkOutput() override {
    taken_ = false;
    return static_cast<uint32_t>(bytes_.size());
  }
  bool CutBack(uint32_t waiting) override {
    if (taken_) {
      return false;
    }
    bytes_.resize(waiting);
    return true;
  }

  const std::string& bytes() const { return bytes_; }
  // What was taken has left.
  std::string Take() {
    taken_ = true;
    return std::exchange(bytes_, {});
  }

 private:
  std::string bytes_;
  std::string room_;
  bool taken_ = false;
};

}  // namespace gatehouse::http

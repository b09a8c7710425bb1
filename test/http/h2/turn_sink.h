// SPDX-License-Identifier: Apache-2.0
// A ByteSink that keeps what it gets, and remembers that a flush is due.
#pragma once

#include <string>
#include <utility>

#include "source/http/codec.h"

namespace gatehouse::http {

class TurnSink : public ByteSink {
 public:
  void WantFlush() override { flush_wanted = true; }
  size_t pending() const override { return stuck ? bytes_.size() : 0; }
  void Write(std::string_view bytes) override { bytes_.append(bytes); }
  char* Reserve(size_t bytes) override {
    room_.assign(bytes, '?');
    return room_.data();
  }
  void Commit(size_t bytes) override { bytes_.append(room_.data(), bytes); }

  const std::string& bytes() const { return bytes_; }
  std::string Take() { return std::exchange(bytes_, {}); }

  bool flush_wanted = false;
  bool stuck = false;  // What is written does not leave before Take().

 private:
  std::string bytes_;
  std::string room_;
};

}  // namespace gatehouse::http

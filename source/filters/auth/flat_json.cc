// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/flat_json.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace gatehouse::filters {

// What nlohmann's reader calls. False stops it. Its text has room for all it may ever hold, so that
// views into it stay.
class FlatJson::Reader {
 public:
  explicit Reader(FlatJson& out) : out_(out) {}

  bool null() { return Note(JsonKind::kNull, {}); }
  bool boolean(bool value) { return Plain(JsonKind::kBool, value ? "true" : "false"); }
  bool number_integer(int64_t value) { return Plain(JsonKind::kNumber, std::to_string(value)); }
  bool number_unsigned(uint64_t value) { return Plain(JsonKind::kNumber, std::to_string(value)); }
  bool number_float(double, const std::string& text) { return Plain(JsonKind::kNumber, text); }
  bool string(std::string& value) { return Plain(JsonKind::kString, value); }
  bool binary(std::vector<uint8_t>&) { return Refuse("has binary values"); }

  bool start_object(size_t) { return Open(JsonKind::kObject); }
  bool key(std::string& name) {
    const Frame& frame = frames_[depth_ - 1];
    const auto first = out_.keys_.begin() + static_cast<std::ptrdiff_t>(frame.first_key);
    if (std::find(first, out_.keys_.end(), name) != out_.keys_.end()) {
      return Refuse("has a name twice");
    }
    const size_t begin = out_.text_.size();
    if (!frame.path.empty() && !(Append(frame.path) && Append("."))) {
      return false;
    }
    if (!Append(name)) {
      return false;
    }
    name_ = std::string_view(out_.text_).substr(begin);
    if (out_.keys_.size() == kMaxValues) {
      return Refuse("has too many names");
    }
    out_.keys_.push_back(name_.substr(name_.size() - name.size()));
    return true;
  }
  bool end_object() {
    out_.keys_.resize(frames_[depth_ - 1].first_key);
    return Close();
  }
  bool start_array(size_t) { return Open(JsonKind::kList); }
  bool end_array() { return Close(); }

  template <typename Exception>
  bool parse_error(size_t, const std::string&, const Exception&) {
    return Refuse("is not valid JSON");
  }

 private:
  struct Frame {
    JsonKind kind = JsonKind::kObject;
    std::string_view path;  // Of what is inside.
    size_t first_key = 0;
  };

  bool Refuse(std::string_view why) {
    if (out_.why_.empty()) {
      out_.why_ = why;
    }
    return false;
  }
  bool Append(std::string_view text) {
    if (text.size() > out_.room_ - out_.text_.size()) {
      return Refuse("is too large");
    }
    out_.text_.append(text);
    return true;
  }
  bool InList() const { return frames_[depth_ - 1].kind == JsonKind::kList; }
  // The path of the value that comes now.
  std::string_view Path() const { return InList() ? frames_[depth_ - 1].path : name_; }

  // What comes now is of that kind; members are noted.
  bool Note(JsonKind kind, std::string_view value) {
    if (depth_ == 0) {
      return Refuse("is not an object");
    }
    if (depth_ == 1) {
      out_.members_.push_back({name_, kind, value});
    }
    return true;
  }
  bool Plain(JsonKind kind, std::string_view value) {
    const size_t begin = out_.text_.size();
    if (!Append(value)) {
      return false;
    }
    const std::string_view kept = std::string_view(out_.text_).substr(begin);
    if (!Note(kind, kept)) {
      return false;
    }
    if (out_.values_.size() == kMaxValues) {
      return Refuse("has too many values");
    }
    const bool top = depth_ == 1 || (depth_ == 2 && InList());
    out_.values_.push_back({Path(), kept, kind, top, InList()});
    return true;
  }
  bool Open(JsonKind kind) {
    if (depth_ == 0 && kind != JsonKind::kObject) {
      return Refuse("is not an object");
    }
    if (depth_ == kMaxDepth) {
      return Refuse("is nested too deeply");
    }
    std::string_view path;
    if (depth_ != 0) {
      if (!Note(kind, {})) {
        return false;
      }
      path = Path();
    }
    frames_[depth_++] = {kind, path, out_.keys_.size()};
    return true;
  }
  bool Close() {
    --depth_;
    return true;
  }

  FlatJson& out_;
  std::array<Frame, kMaxDepth> frames_;
  size_t depth_ = 0;
  std::string_view name_;  // The path of the latest key.
};

bool FlatJson::Parse(std::string_view text) {
  text_.clear();
  values_.clear();
  members_.clear();
  keys_.clear();
  why_ = {};
  if (text.size() > kMaxTextBytes / 2) {
    why_ = "is too large";
    return false;
  }
  // The reader takes a NUL for the end, and skips a byte order mark.
  if (text.find('\0') != std::string_view::npos || text.starts_with("\xef\xbb\xbf")) {
    why_ = "is not valid JSON";
    return false;
  }
  room_ = std::min(kMaxTextBytes, 1024 + text.size() * 8);
  text_.reserve(room_);
  Reader reader(*this);
  if (!nlohmann::json::sax_parse(text.data(), text.data() + text.size(), &reader)) {
    why_ = why_.empty() ? "is not valid JSON" : why_;
    return false;
  }
  DropShadowed();
  return true;
}

const FlatJson::Member* FlatJson::Find(std::string_view name) const {
  const auto at = std::find_if(members_.begin(), members_.end(),
                               [&](const Member& member) { return member.name == name; });
  return at == members_.end() ? nullptr : &*at;
}

void FlatJson::DropShadowed() {
  const bool dotted = std::any_of(members_.begin(), members_.end(), [](const Member& member) {
    return member.name.find('.') != std::string_view::npos;
  });
  if (dotted) {
    std::erase_if(values_,
                  [&](const Value& value) { return !value.top && Find(value.name) != nullptr; });
  }
}

}  // namespace gatehouse::filters

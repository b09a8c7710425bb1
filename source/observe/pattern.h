// SPDX-License-Identifier: Apache-2.0
// Texts with %OPERATORS%, compiled once: log lines, JSON fields, header values.
//
//   "%METHOD% %PATH% took %DURATION% ms, %REQ(user-agent):40%, 100%%"
//
// An operator may carry an argument in parentheses and, after a colon, how many bytes of it are
// kept. What comes from a client is escaped, so that no line can be forged and no header split.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "source/observe/operators.h"
#include "source/observe/secrets.h"
#include "source/observe/stream_info.h"

namespace gatehouse::observe {

// Why a pattern can't be used, for Diagnostics.
struct PatternMistake {
  std::string message;
  std::string suggestion;
};

class Pattern {
 public:
  // In logs, longer values are cut: a header can be 64 KiB long, and a line is kept in memory.
  static constexpr uint32_t kMaxLoggedBytes = 4096;

  // An error when an operator is unknown, or not known yet at `moment`. `secrets`: what is hidden
  // in values of this pattern; null: nothing.
  static tl::expected<Pattern, PatternMistake> Parse(std::string_view text, Moment moment,
                                                     std::shared_ptr<Secrets> secrets = nullptr);

  // All three append to scratch.line.
  //
  // A missing value is "-"; quotes, backslashes and what is not printable ASCII become \xNN, and so
  // do spaces of an IDENTITY that does not stand in quotes.
  void AppendText(const StreamInfo& info, LogScratch& scratch) const;
  // As the value of a JSON member. A lone operator without a value appends nothing and returns
  // false; a lone number stays a number.
  bool AppendJson(const StreamInfo& info, LogScratch& scratch) const;
  // A missing value is nothing; control characters become spaces.
  void AppendHeaderValue(const StreamInfo& info, LogScratch& scratch) const;

  // Whether there is no operator in it; then constant() is its text.
  bool IsConstant() const;
  std::string_view constant() const;
  bool Uses(std::string_view operator_name) const;
  // Whether it certainly has no value as a JSON member. Costs next to nothing.
  bool IsMissing(const StreamInfo& info) const {
    return (lone_ != nullptr && (info.*lone_).empty()) ||
           (needs_identity_ && info.identity == nullptr) ||
           (needs_error_ && info.error == ErrorCode::kNone);
  }

 private:
  struct Part {
    const Operator* op = nullptr;  // Null: literal text.
    OperatorValue (*value)(const OperatorInput& in) = nullptr;
    bool bare = false;
    bool word = false;                           // Text lines: no space may tear it apart.
    bool url = false;                            // Its parameters may be secrets.
    const std::atomic<bool>* hidden = nullptr;   // Whether all of it is; null: it never is.
    uint32_t max_bytes = UINT32_MAX;             // Of the value.
    std::string text;                            // The literal, or the operator's argument.
    std::shared_ptr<const IdentityField> field;  // The argument of IDENTITY.
  };
  friend class PatternParser;

  template <typename Put>
  bool AppendValue(const Part& part, const StreamInfo& info, LogScratch& scratch, Put put) const;

  static std::string_view WithoutSecrets(const Part& part, const Secrets& secrets,
                                         std::string_view value, LogScratch& scratch);
  void NoteWhatItNeeds();

  std::vector<Part> parts_;
  std::shared_ptr<const Secrets> secrets_;
  // Of a pattern with one operator and nothing else: without what it has no value.
  std::string_view StreamInfo::* lone_ = nullptr;
  bool needs_identity_ = false;
  bool needs_error_ = false;
};

}  // namespace gatehouse::observe

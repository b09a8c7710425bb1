// SPDX-License-Identifier: Apache-2.0
// The words between percent signs in log formats and header values, and what they stand for.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "source/observe/line_buffer.h"
#include "source/observe/stream_info.h"
#include "source/observe/value_text.h"

namespace gatehouse::observe {

// When the value of an operator is known, at the earliest.
enum class Moment : uint8_t { kRequest, kResponse, kEnd };

// What an operator stands for in one stream; without data: not known, or it never came to that.
// Otherwise a view of the stream or of LogScratch::joined, which may hold anything, or of
// OperatorInput::room, which is printable.
using OperatorValue = std::string_view;

// What one worker reuses for line after line. Not thread-safe.
struct LogScratch {
  LineBuffer line;
  ClockText clock;
  std::string escaped;
  std::string joined;  // A value that is put together from several.
  std::string hidden;  // One without its secrets.
};

struct OperatorInput {
  const StreamInfo& info;
  std::string_view argument;
  const IdentityField* field;  // Of kIdentity: the argument.
  LogScratch& scratch;
  char* room;  // kMaxValueText bytes.
};

struct Operator {
  enum class Argument : uint8_t { kNone, kHeader, kClock, kIdentity, kLabel };
  std::string_view name;
  Moment moment;
  Argument argument;
  bool bare;  // A number, true or false: goes unquoted into JSON.
  OperatorValue (*value)(const OperatorInput& in);
  // Of what is several values: appends an object to scratch.line; false, and nothing, when there is
  // none. Null: a JSON member has what `value` gives.
  bool (*json)(const OperatorInput& in) = nullptr;
};

std::span<const Operator> Operators();
// Null when there is none of that name.
const Operator* FindOperator(std::string_view name);
// What somebody who wrote `name` probably meant, Envoy's names included; empty when nothing is
// near.
std::string_view NearestOperator(std::string_view name);

// START_TIME as %START_TIME(FORMAT)% spells it: "" or "rfc3339", "clf", "unix_ms". Null: unknown.
const Operator* FindClock(std::string_view format);

}  // namespace gatehouse::observe

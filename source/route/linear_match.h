// SPDX-License-Identifier: Apache-2.0
// The parts of a match, tested one by one and put into words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "source/route/route.h"

namespace gatehouse::route {

enum class Part : uint8_t {
  kHost,
  kPath,
  kMethod,
  kHeader,
  kQuery,
  kCookie,
  kClientIp,
  kScheme,
  kListener
};

struct Mismatch {
  Part part;
  std::string why;  // "method POST, wanted GET"; empty when no words were asked for.
};

// The parts of `route` that `request` fails, in the order of Part; at most `max` of them.
std::vector<Mismatch> FindMismatches(const Route& route, const RequestFacts& request, size_t max,
                                     bool in_words);

}  // namespace gatehouse::route

// SPDX-License-Identifier: Apache-2.0
// A broken invariant ends the process with its reason. Never used for input.
#pragma once

#include <cstdio>
#include <cstdlib>

#define GATEHOUSE_CHECK(condition, reason)                                                   \
  do {                                                                                       \
    if (!(condition)) [[unlikely]] {                                                         \
      std::fprintf(stderr, "%s:%d: broken invariant: %s (%s)\n", __FILE__, __LINE__, reason, \
                   #condition);                                                              \
      std::abort();                                                                          \
    }                                                                                        \
  } while (false)

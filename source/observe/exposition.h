// SPDX-License-Identifier: Apache-2.0
// How metrics are spelled: names, labels, numbers.
#pragma once

#include <string>
#include <string_view>

#include "source/observe/metrics.h"

namespace gatehouse::observe {

// Metric names: [a-zA-Z_:][a-zA-Z0-9_:]*.
bool IsMetricName(std::string_view name);

// a="b",c="d" by name, so that the order in which labels are given doesn't matter; values escaped.
std::string LabelText(Labels labels);

}  // namespace gatehouse::observe

// SPDX-License-Identifier: Apache-2.0
// The labels that routes ask of endpoints.
#pragma once

#include "source/config/object.h"
#include "source/route/route.h"

namespace gatehouse::route {

// The mapping `labels` of `in`, sorted. Keys and values are spelled as in Kubernetes.
LabelSet LoadLabels(config::Object& in);

}  // namespace gatehouse::route

// SPDX-License-Identifier: Apache-2.0
// All that a configuration can say, as this build's loaders read it: what the JSON Schema and the
// reference page are made from.
#pragma once

#include <string>

#include "source/config/shape.h"
#include "source/pipeline/catalog.h"

namespace gatehouse::server {

// A configuration that leads the loaders through all their branches, in which every key appears. It
// is valid, and its values are the reference's examples.
std::string FullConfig(const pipeline::Catalog& catalog);

// What the loaders ask of it.
config::Shape ShapeOfConfig(const pipeline::Catalog& catalog);

}  // namespace gatehouse::server

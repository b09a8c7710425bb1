// SPDX-License-Identifier: Apache-2.0
// What the loaders take for absent keys, as the YAML that would say so. The values come from the
// settings' own initialisers.
#pragma once

#include "source/server/yaml_writer.h"

namespace gatehouse::server {

struct Defaults {
  Defaults();

  Tree admin;
  Tree runtime;
  Tree listener;
  Tree cluster;
  Tree breaker;  // Of clusters that have one.
  Tree endpoint;
  Tree forward;  // Of routes with cluster or split.
  Tree arm;
  Tree fallback;  // Of routes that have one.
  Tree redirect;
  Tree respond;
};

}  // namespace gatehouse::server

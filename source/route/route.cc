// SPDX-License-Identifier: Apache-2.0
#include "source/route/route.h"

namespace gatehouse::route {

bool Conditions::empty() const {
  return methods.empty() && headers.empty() && query.empty() && cookies.empty() &&
         client_ip.empty() && scheme.empty() && listeners.empty();
}

const Arm& Forward::ArmAt(uint64_t draw) const {
  draw %= total_weight;
  for (const Arm& arm : arms) {
    if (draw < arm.weight) {
      return arm;
    }
    draw -= arm.weight;
  }
  return arms.back();
}

}  // namespace gatehouse::route

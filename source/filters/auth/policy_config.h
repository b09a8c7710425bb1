// SPDX-License-Identifier: Apache-2.0
// Loads the rules of an access policy:
//
//   rules:
//     - name: no-deletes
//       action: deny
//       priority: 10
//       methods: [DELETE]
//       groups: {none: [admins]}
//     - name: admins
//       action: allow
//       groups: [admins, ops]
//       path_prefix: /admin
//
// Conditions on who is calling need somebody. When nobody has been authenticated they do not hold,
// with one exception: `none` and `present: false` in a rule that denies. So a negation never lets
// anybody in whom nobody knows.
#pragma once

#include <vector>

#include "source/config/object.h"
#include "source/filters/auth/policy.h"

namespace gatehouse::filters {

// Those of the key `rules` of `in`. Mistakes go to its diagnostics.
std::vector<PolicyRule> LoadPolicyRules(config::Object& in);

}  // namespace gatehouse::filters

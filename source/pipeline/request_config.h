// SPDX-License-Identifier: Apache-2.0
// Loads the keys by which routes and filters ask for requests:
//
//   hosts: [api.example.com, "*.example.org"], methods: [GET], headers: {x-release: canary},
//   query: {debug: {present: false}}, cookies: {beta: "1"}, client_ip: [10.0.0.0/8]
//
// Each reads its key of `in` and adds to `out`; mistakes are errors, and what is wrong is left out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "source/base/arena.h"
#include "source/base/ip.h"
#include "source/config/object.h"
#include "source/pipeline/regex_cache.h"
#include "source/pipeline/value_match.h"

namespace gatehouse::pipeline {

// RFC 9110 section 5.6.2.
bool IsToken(std::string_view text);

// The elements of a list that, once written, must hold something: an empty one would match all.
std::vector<config::Value> NotEmptyList(config::Object& in, std::string_view key,
                                        const config::About& about);

// `host` or `hosts`, in lower case; empty: any host (see HostFits in host_path.h).
void LoadHosts(config::Object& in, Arena& arena, std::vector<std::string>& out);
void LoadMethods(config::Object& in, std::vector<std::string>& out);
void LoadHeaderMatches(config::Object& in, RegexCache& regexes, std::vector<ValueMatch>& out);
void LoadQueryMatches(config::Object& in, RegexCache& regexes, std::vector<ValueMatch>& out);
void LoadCookieMatches(config::Object& in, RegexCache& regexes, std::vector<ValueMatch>& out);
void LoadClientIp(config::Object& in, std::vector<Cidr>& out);

}  // namespace gatehouse::pipeline

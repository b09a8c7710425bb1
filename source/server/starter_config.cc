// SPDX-License-Identifier: Apache-2.0
#include "source/server/starter_config.h"

namespace gatehouse::server {

const std::string_view kSchemaModeline = "# yaml-language-server: $schema=gatehouse.schema.json\n";

const std::string_view kStarterConfig = R"(# A gateway to start from. To check it, and to serve it:
#
#   gatehouse validate -c gatehouse.yaml
#   gatehouse run -c gatehouse.yaml
#
# While it runs, a change is live as soon as it is saved; a file with mistakes changes nothing.
# What is left out has defaults that are meant for production: gatehouse config -c FILE --effective
version: 1

# Where to ask the gateway about itself: /readyz, /metrics, /config/status and more.
admin:
  address: 127.0.0.1:9901

# Where clients connect. ":8080" is every address of this machine.
listeners:
  - name: web
    address: 127.0.0.1:8080
    # Behind a load balancer, whose X-Forwarded-For names the client:
    # trusted_proxies: [10.0.0.0/8]
    # WebSockets are let through where this is said:
    # upgrades: [websocket]
    filters: [access_log, body_limit] # for every request here, before the route's own

# Filters, defined once and used by name. `type` is the name when it is left out.
filters:
  access_log: {path: stdout, format: text} # or json
  body_limit: {type: max_body, max_bytes: 10MiB} # larger ones are answered with 413

# The services behind the gateway, each a set of endpoints.
clusters:
  app:
    endpoints:
      - 127.0.0.1:9000
      # Hostnames are resolved again and again; labels are what routes can choose by.
      # - {address: "app.internal:9000", weight: 2, labels: {version: v2}}
    timeouts: {connect: 1s}

# What becomes of which request: the first route that matches wins.
routes:
  # Answered by the gateway itself.
  - name: ping
    match: {path: /ping}
    respond: {status: 200, body: "pong\n"}

  # Some requests to some endpoints, with the path cut: /v2/users arrives as /users.
  # - name: canary
  #   match: {path_prefix: /v2, headers: {x-release: canary}}
  #   rewrite: {strip_prefix: /v2}
  #   cluster: app
  #   labels: {version: v2}

  # All the rest.
  - name: app
    match: {path_prefix: /}
    cluster: app
    timeouts: {response_headers: 30s}
)";

}  // namespace gatehouse::server

// SPDX-License-Identifier: Apache-2.0
#include "source/server/cli.h"

int main(int argc, char** argv) {
  namespace server = gatehouse::server;
  return server::RunCommandLine(argc, argv,
                                {.run = server::RunCommand,
                                 .proxy = server::ProxyCommand,
                                 .validate = server::ValidateCommand,
                                 .config = server::ConfigCommand,
                                 .route = server::RouteCommand,
                                 .reload = server::ReloadCommand,
                                 .drain = server::DrainCommand,
                                 .status = server::StatusCommand,
                                 .version = server::VersionCommand,
                                 .print = server::PrintCommand,
                                 .schema = server::SchemaCommand,
                                 .init = server::InitCommand});
}

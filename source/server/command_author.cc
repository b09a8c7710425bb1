// SPDX-License-Identifier: Apache-2.0
// The commands for who writes a configuration: schema and init.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "source/filters/builtin.h"
#include "source/server/commands.h"
#include "source/server/config_reference.h"
#include "source/server/config_shape.h"
#include "source/server/json_schema.h"
#include "source/server/starter_config.h"

namespace gatehouse::server {
namespace {

std::string SchemaText() { return JsonSchema(ShapeOfConfig(BuiltinFilters())); }

int Print(std::string_view text) {
  const bool whole = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  return whole && std::fflush(stdout) == 0 ? 0 : 1;
}

void Say(const std::string& message) { std::fprintf(stderr, "gatehouse: %s\n", message.c_str()); }

// Writes a file that is not there yet; the error number, EEXIST when it is.
int WriteNew(const std::string& path, std::string_view text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) {
    return errno;
  }
  int error = 0;
  while (!text.empty() && error == 0) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<size_t>(written));
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  if (close(fd) != 0 && error == 0) {
    error = errno;
  }
  return error;
}

std::string CantWrite(const std::string& path, int error) {
  return "can't write " + path + ": " + std::generic_category().message(error);
}

}  // namespace

int SchemaCommand(const std::string& format) {
  if (format == "example") {
    return Print(FullConfig(BuiltinFilters()));
  }
  return Print(format == "markdown" ? ConfigReference(ShapeOfConfig(BuiltinFilters()))
                                    : SchemaText());
}

int InitCommand(const InitOptions& options) {
  const std::string text =
      std::string(options.schema ? kSchemaModeline : std::string_view()).append(kStarterConfig);
  if (options.output == "-") {
    return Print(text);
  }
  if (const int error = WriteNew(options.output, text); error != 0) {
    Say(error == EEXIST ? options.output + " is there already, and is left as it is"
                        : CantWrite(options.output, error));
    return 1;
  }
  Say("wrote " + options.output);
  if (!options.schema) {
    return 0;
  }
  const std::string schema =
      (std::filesystem::path(options.output).parent_path() / kSchemaFile).string();
  const int error = WriteNew(schema, SchemaText());
  if (error != 0 && error != EEXIST) {
    Say(CantWrite(schema, error));
    return 1;
  }
  Say(error == EEXIST ? schema + " is there already, and is left as it is; anew: gatehouse schema"
                      : "wrote " + schema + ", which editors check the file against");
  return 0;
}

}  // namespace gatehouse::server

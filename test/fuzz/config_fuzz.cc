// SPDX-License-Identifier: Apache-2.0
// Any text as a configuration: it is loaded or refused with reasons, the same each time; and the
// effective configuration of one that is valid means the same as it does.
//
// Nothing outside is touched. The linker puts the __wrap_ functions below in the place of the
// system's (BUILD.bazel): while a text is loaded, no file exists (but files may be made anywhere),
// and what would make one or use the network ends the run: checking must do neither.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "source/base/check.h"
#include "source/filters/builtin.h"
#include "source/server/config_loader.h"

namespace {

bool loading = false;

int NoSuchFile() {
  errno = ENOENT;
  return -1;
}

}  // namespace

extern "C" {

int __real_access(const char* path, int mode);
int __wrap_access(const char* path, int mode) { return loading ? 0 : __real_access(path, mode); }

int __real_connect(int fd, const sockaddr* address, socklen_t size);
int __wrap_connect(int fd, const sockaddr* address, socklen_t size) {
  GATEHOUSE_CHECK(!loading, "checking a configuration connects somewhere");
  return __real_connect(fd, address, size);
}

int __real_open(const char* path, int flags, mode_t mode);
int __wrap_open(const char* path, int flags, mode_t mode) {
  if (!loading) {
    return __real_open(path, flags, mode);
  }
  GATEHOUSE_CHECK((flags & (O_CREAT | O_TRUNC)) == 0, "checking a configuration makes a file");
  return NoSuchFile();
}

int __real_socket(int domain, int type, int protocol);
int __wrap_socket(int domain, int type, int protocol) {
  GATEHOUSE_CHECK(!loading, "checking a configuration opens a socket");
  return __real_socket(domain, type, protocol);
}

int __real_stat(const char* path, struct stat* out);
int __wrap_stat(const char* path, struct stat* out) {
  return loading ? NoSuchFile() : __real_stat(path, out);
}

}  // extern "C"

namespace gatehouse::server {
namespace {

std::optional<std::string> Variable(std::string_view name) {
  if (name == "PORT") {
    return "8080";
  }
  if (name == "TEXT") {
    return "[a: b";
  }
  return std::nullopt;
}

std::unique_ptr<LoadedConfig> Load(std::string_view text) {
  static const pipeline::Catalog catalog = BuiltinFilters();
  LoadRequest request;
  request.name = "fuzz.yaml";
  request.text = text;
  request.environment = Variable;
  request.catalog = &catalog;
  request.activate = false;
  request.workers = 2;
  loading = true;
  auto loaded = LoadConfig(request);
  loading = false;
  return loaded;
}

void CheckConfig(std::string_view text) {
  const auto first = Load(text);
  const auto second = Load(text);
  GATEHOUSE_CHECK(first->diagnostics.ToText() == second->diagnostics.ToText(),
                  "loading twice finds other mistakes");
  GATEHOUSE_CHECK((first->snapshot != nullptr) == first->diagnostics.ok(),
                  "a configuration with mistakes is loaded, or one without is not");
  if (first->snapshot == nullptr) {
    return;
  }
  const auto again = Load(first->effective);
  GATEHOUSE_CHECK(again->diagnostics.ok(), "the effective configuration has mistakes");
  GATEHOUSE_CHECK(again->effective == first->effective,
                  "the effective configuration of the effective one is another");
}

}  // namespace
}  // namespace gatehouse::server

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  gatehouse::server::CheckConfig({reinterpret_cast<const char*>(data), size});
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "source/filters/security/country_db.h"

#include <maxminddb.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>
#include <utility>

namespace gatehouse::filters {
namespace {

tl::unexpected<Error> Unusable(std::string why) {
  return Fail(ErrorCode::kInvalidConfig, ErrorSource::kConfig,
              "is not a MaxMind database that can be used: " + std::move(why));
}

// A file without a name that has `content`; -1, and errno, when there is none to be had.
int MemoryFile(std::string_view content) {
  const int fd = memfd_create("country", MFD_CLOEXEC);
  while (fd >= 0 && !content.empty()) {
    const ssize_t written = write(fd, content.data(), content.size());
    if (written < 0 && errno != EINTR) {
      const int error = errno;
      close(fd);
      errno = error;
      return -1;
    }
    content.remove_prefix(written < 0 ? 0 : static_cast<size_t>(written));
  }
  return fd;
}

CountryCode CodeAt(MMDB_entry_s entry, const char* which) {
  MMDB_entry_data_s data;
  const int status = MMDB_get_value(&entry, &data, which, "iso_code", nullptr);
  if (status != MMDB_SUCCESS || !data.has_data || data.type != MMDB_DATA_TYPE_UTF8_STRING ||
      data.data_size != 2) {
    return {};
  }
  return {data.utf8_string[0], data.utf8_string[1]};
}

}  // namespace

struct CountryDb::Handle {
  MMDB_s database{};
  ~Handle() {
    if (database.filename != nullptr) {
      MMDB_close(&database);
    }
  }
};

CountryDb::CountryDb(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
CountryDb::~CountryDb() = default;

std::shared_ptr<const CountryDb> CountryDb::Nothing() {
  return std::shared_ptr<const CountryDb>(new CountryDb(std::make_unique<Handle>()));
}

Result<std::shared_ptr<const CountryDb>> CountryDb::Open(std::string_view content) {
  if (content.empty()) {
    return Unusable("it is empty");
  }
  const int fd = MemoryFile(content);
  if (fd < 0) {
    return Unusable(std::generic_category().message(errno));
  }
  auto handle = std::make_unique<Handle>();
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  const int status = MMDB_open(path.c_str(), MMDB_MODE_MMAP, &handle->database);
  close(fd);
  if (status != MMDB_SUCCESS) {
    handle->database.filename = nullptr;  // It has been closed.
    return Unusable(MMDB_strerror(status));
  }
  return std::shared_ptr<const CountryDb>(new CountryDb(std::move(handle)));
}

CountryCode CountryDb::Find(const IpAddress& address) const {
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  const sockaddr* where = nullptr;
  if (address.IsV4()) {
    v4.sin_family = AF_INET;
    std::memcpy(&v4.sin_addr, address.bytes.data() + 12, 4);
    where = reinterpret_cast<const sockaddr*>(&v4);
  } else {
    v6.sin6_family = AF_INET6;
    std::memcpy(&v6.sin6_addr, address.bytes.data(), address.bytes.size());
    where = reinterpret_cast<const sockaddr*>(&v6);
  }
  if (handle_->database.filename == nullptr) {
    return {};
  }
  int status = MMDB_SUCCESS;
  const MMDB_lookup_result_s found = MMDB_lookup_sockaddr(&handle_->database, where, &status);
  if (status != MMDB_SUCCESS || !found.found_entry) {
    return {};
  }
  const CountryCode code = CodeAt(found.entry, "country");
  return code != CountryCode{} ? code : CodeAt(found.entry, "registered_country");
}

std::string_view CountryDb::type() const {
  const char* const type = handle_->database.metadata.database_type;
  return type == nullptr ? std::string_view() : type;
}

WallTime CountryDb::built() const {
  // In seconds; one that a clock can't hold is not one.
  const uint64_t seconds = handle_->database.metadata.build_epoch;
  return WallTime(std::chrono::seconds(seconds < (uint64_t{1} << 33) ? seconds : 0));
}

}  // namespace gatehouse::filters

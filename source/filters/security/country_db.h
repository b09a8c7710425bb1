// SPDX-License-Identifier: Apache-2.0
// Which country an address belongs to, by a MaxMind database (GeoLite2-Country, GeoIP2-City and the
// like). The only user of libmaxminddb.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "source/base/clock.h"
#include "source/base/error.h"
#include "source/base/ip.h"

namespace gatehouse::filters {

// Two capital letters of ISO 3166-1; {} stands for none.
using CountryCode = std::array<char, 2>;

// Immutable, any thread.
class CountryDb {
 public:
  // Of the file's content, of which a copy is mapped: whatever becomes of the file, it stays whole.
  static Result<std::shared_ptr<const CountryDb>> Open(std::string_view content);
  // One that knows no country.
  static std::shared_ptr<const CountryDb> Nothing();
  ~CountryDb();
  CountryDb(const CountryDb&) = delete;
  CountryDb& operator=(const CountryDb&) = delete;

  // Where the address is; else where it is registered; else {}. Some hundred nanoseconds.
  CountryCode Find(const IpAddress& address) const;

  std::string_view type() const;  // "GeoLite2-Country"
  WallTime built() const;

 private:
  struct Handle;
  explicit CountryDb(std::unique_ptr<Handle> handle);
  const std::unique_ptr<Handle> handle_;
};

}  // namespace gatehouse::filters

// SPDX-License-Identifier: Apache-2.0
// Something that is made from a file, and anew whenever that changes.
//
// A file that turns bad, or goes away, changes nothing: what was made last stays, and warnings name
// the lines.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/base/clock.h"
#include "source/base/log.h"
#include "source/base/published.h"
#include "source/config/diagnostics.h"
#include "source/config/document.h"
#include "source/filters/file_stamp.h"
#include "source/observe/metric_table.h"
#include "source/pipeline/filter.h"

namespace gatehouse::filters {

// Calls `load` on a background thread when `path` has changed, one at a time, and once at the
// beginning when `load_first`; counts in `failed` when it returns false, else in `used`.
std::unique_ptr<pipeline::Upkeep> KeepFile(pipeline::Services& services, const std::string& path,
                                           std::function<bool()> load, bool load_first,
                                           observe::MetricId failed, observe::MetricId used = {});

// Why a file is not used.
struct FileTrouble {
  WallTime when{};
  size_t errors = 0;
  std::vector<config::Diagnostic> first{};  // At most kKept of them.
  static constexpr size_t kKept = 20;
  static FileTrouble Of(const config::Diagnostics& diagnostics);
};

// Reports why a file is not used: the first few of what `diagnostics` has, each with its line.
void LogUnusedFile(std::string_view filter, const std::string& path,
                   const config::Diagnostics& diagnostics);

// Any thread, but where it is said. Held by shared pointers: work under way holds one.
template <typename T>
class WatchedFile {
 public:
  // Makes a T of the file's text. Mistakes go to the diagnostics, with the positions of `file`;
  // then the result is not used.
  using Make = std::function<std::shared_ptr<const T>(
      std::string_view text, const std::string& path, config::Diagnostics& diagnostics)>;

  // Without a file (`path` is empty) it is what `make` makes of no text, for good.
  WatchedFile(std::string filter, std::string path, Make make)
      : filter_(std::move(filter)), path_(std::move(path)), make_(std::move(make)) {}

  // Reads the file for the first time. What can't be read or has mistakes is reported, the former
  // by `unreadable(message)`.
  template <typename Unreadable>
  void Load(config::Diagnostics& diagnostics, Unreadable unreadable) {
    stamp_.Publish(std::make_shared<FileStamp>(FileStamp::Of(path_)));
    const Result<std::string> text = path_.empty() ? std::string() : config::ReadFile(path_);
    if (!text) {
      unreadable(text.error().message);
    }
    value_.Publish(text ? make_(*text, path_, diagnostics) : make_({}, {}, diagnostics));
    read_.Publish(std::make_shared<WallTime>(WallNow()));
  }

  // Reads it again; false when it can't be used. One thread at a time.
  bool Reload() {
    auto stamp = std::make_shared<FileStamp>(FileStamp::Of(path_));
    config::Diagnostics diagnostics;
    const Result<std::string> text = config::ReadFile(path_);
    std::shared_ptr<const T> value;
    if (text) {
      value = make_(*text, path_, diagnostics);
    } else {
      diagnostics.Error({}, {}, text.error().message);
    }
    if (!diagnostics.ok()) {
      LogUnusedFile(filter_, path_, diagnostics);
      trouble_.Publish(std::make_shared<FileTrouble>(FileTrouble::Of(diagnostics)));
      return false;
    }
    value_.Publish(std::move(value));
    trouble_.Publish(nullptr);
    read_.Publish(std::make_shared<WallTime>(WallNow()));
    stamp_.Publish(std::move(stamp));  // Last: what is unchanged is in use.
    log::Info("a filter has read its file again", {{"filter", filter_}, {"file", path_}});
    return true;
  }

  const Published<T>& value() const { return value_; }
  const std::string& path() const { return path_; }
  // When the value was made. REQUIRES: Load() has been called.
  WallTime read() const { return *read_.Get(); }
  // Why the file as it is now is not what the value was made from; null: it is.
  std::shared_ptr<const FileTrouble> trouble() const { return trouble_.Get(); }
  // Whether the file is the one that the value was made from.
  bool Unchanged() const { return path_.empty() || FileStamp::Of(path_) == *stamp_.Get(); }

  // For FilterDefinition::StartUpkeep(). Counts in `failed` when a change can't be used.
  static std::unique_ptr<pipeline::Upkeep> Watch(const std::shared_ptr<WatchedFile>& file,
                                                 pipeline::Services& services,
                                                 observe::MetricId failed) {
    if (file->path_.empty()) {
      return nullptr;
    }
    return KeepFile(
        services, file->path_, [file] { return file->Reload(); }, !file->Unchanged(), failed);
  }

 private:
  const std::string filter_;
  const std::string path_;
  const Make make_;
  Published<T> value_;
  Published<FileStamp> stamp_;
  Published<WallTime> read_;
  Published<FileTrouble> trouble_;
};

}  // namespace gatehouse::filters

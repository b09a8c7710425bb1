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
#include "source/base/locked.h"
#include "source/base/log.h"
#include "source/base/published.h"
#include "source/config/diagnostics.h"
#include "source/config/document.h"
#include "source/config/object.h"
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

// Passes on to `diagnostics` what `found` has of the file that is named at `at`. With `kept`, what
// was read before stays in force, so mistakes are warnings.
void ReportFile(const config::Diagnostics& found, bool kept, const config::Value& at,
                config::Diagnostics& diagnostics);

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

  // Without a file (`path` is empty) it is what `make` makes of no text, for good. `if_emptied`:
  // what is wrong with a file of nothing once there was a value, as whoever empties a file is about
  // to write it; empty: nothing is.
  WatchedFile(std::string filter, std::string path, Make make, std::string if_emptied = {})
      : filter_(std::move(filter)),
        path_(std::move(path)),
        make_(std::move(make)),
        if_emptied_(std::move(if_emptied)) {}

  // Reads the file for the first time. What can't be read or has mistakes is reported, the former
  // by `unreadable(message)`.
  template <typename Unreadable>
  void Load(config::Diagnostics& diagnostics, Unreadable unreadable) {
    SetStamps(std::make_shared<FileStamp>(FileStamp::Of(path_)));
    const Result<std::string> text = path_.empty() ? std::string() : config::ReadFile(path_);
    if (!text) {
      unreadable(text.error().message);
    }
    value_.Publish(text ? make_(*text, path_, diagnostics) : make_({}, {}, diagnostics));
    read_.Publish(std::make_shared<WallTime>(WallNow()));
  }

  // Reads the file, which is named at `at`, for the first time, or in place of `last`, which did
  // before; `last` may be null. With one, a file that can't be used leaves its value in force, and
  // is a warning instead of an error.
  void LoadAfter(const WatchedFile* last, const config::Value& at,
                 config::Diagnostics& diagnostics) {
    const auto stamp = std::make_shared<FileStamp>(FileStamp::Of(path_));
    config::Diagnostics found(FileTrouble::kKept);
    std::shared_ptr<const T> value = Read(last == nullptr, found);
    const bool kept = !found.ok() && last != nullptr;
    ReportFile(found, kept, at, diagnostics);
    SetStamps(stamp);
    if (kept) {
      value_.Publish(last->value_.Get());
      read_.Publish(last->read_.Get());
      stamp_.Publish(last->stamp_.Get());
      trouble_.Publish(std::make_shared<FileTrouble>(FileTrouble::Of(found)));
    } else {
      value_.Publish(found.ok() ? std::move(value) : make_({}, {}, found));
      read_.Publish(std::make_shared<WallTime>(WallNow()));
    }
  }

  // Reads it again; false when it can't be used. One thread at a time.
  bool Reload() {
    auto stamp = std::make_shared<FileStamp>(FileStamp::Of(path_));
    seen_.Publish(stamp);
    config::Diagnostics diagnostics(FileTrouble::kKept);
    std::shared_ptr<const T> value = Read(false, diagnostics);
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
  // Whether the file is as it was when it was read last, be it used or not.
  bool Seen() const { return path_.empty() || FileStamp::Of(path_) == *seen_.Get(); }

  // For FilterDefinition::StartUpkeep(). Counts in `failed` when a change can't be used.
  static std::unique_ptr<pipeline::Upkeep> Watch(const std::shared_ptr<WatchedFile>& file,
                                                 pipeline::Services& services,
                                                 observe::MetricId failed) {
    if (file->path_.empty()) {
      return nullptr;
    }
    return KeepFile(
        services, file->path_, [file] { return file->Reload(); }, !file->Seen(), failed);
  }

 private:
  // Not to be used when `diagnostics` has errors then.
  std::shared_ptr<const T> Read(bool first, config::Diagnostics& diagnostics) const {
    const Result<std::string> text = config::ReadFile(path_);
    if (!text) {
      diagnostics.Error({}, {}, text.error().message);
      return nullptr;
    }
    if (text->empty() && !first && !if_emptied_.empty()) {
      diagnostics.Error({diagnostics.AddFile(path_), 1, 1}, {}, if_emptied_);
      return nullptr;
    }
    return make_(*text, path_, diagnostics);
  }
  void SetStamps(const std::shared_ptr<const FileStamp>& stamp) {
    seen_.Publish(stamp);
    stamp_.Publish(stamp);
  }

  const std::string filter_;
  const std::string path_;
  const Make make_;
  const std::string if_emptied_;
  Published<T> value_;
  Published<FileStamp> stamp_;  // Of the file that the value was made from.
  Published<FileStamp> seen_;   // Of the file that was read last.
  Published<WallTime> read_;
  Published<FileTrouble> trouble_;
};

// Finds the file that goes by a path, of those that are still in use. Any thread.
template <typename File>
class FilesInUse {
 public:
  void Add(const std::shared_ptr<File>& file) {
    files_.With([&](auto& files) {
      std::erase_if(files, [](const auto& one) { return one.expired(); });
      files.push_back(file);
    });
  }
  // The one that was added last; null when there is none.
  std::shared_ptr<File> Find(const std::string& path) const {
    return files_.With([&](const auto& files) -> std::shared_ptr<File> {
      for (size_t i = files.size(); i-- > 0;) {
        std::shared_ptr<File> file = files[i].lock();
        if (file != nullptr && file->path() == path) {
          return file;
        }
      }
      return nullptr;
    });
  }

 private:
  Locked<std::vector<std::weak_ptr<File>>> files_;
};

}  // namespace gatehouse::filters

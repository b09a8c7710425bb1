// SPDX-License-Identifier: Apache-2.0
#include "source/event/file_watch.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <map>
#include <set>
#include <string_view>
#include <utility>

namespace gatehouse::event {
namespace {

constexpr uint32_t kEntryMask = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
constexpr uint32_t kSelfMask = IN_DELETE_SELF | IN_MOVE_SELF;
constexpr uint32_t kFileMask = IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | kSelfMask;
constexpr int kMaxLinks = 40;  // As the kernel has it.
constexpr int kAttempts = 5;

std::string Absolute(std::string path) {
  std::array<char, PATH_MAX> here;
  if (path.starts_with('/') || getcwd(here.data(), here.size()) == nullptr) {
    return path;
  }
  return std::string(here.data()) + "/" + path;
}

std::string Join(const std::string& directory, const std::string& name) {
  return directory.ends_with('/') ? directory + name : directory + "/" + name;
}

// Puts the components of `path` in front of `pending`.
void Prepend(std::deque<std::string>& pending, std::string_view path) {
  while (!path.empty()) {
    const size_t slash = path.rfind('/');
    const std::string_view name = slash == path.npos ? path : path.substr(slash + 1);
    if (!name.empty() && name != ".") {
      pending.emplace_front(name);
    }
    path = slash == path.npos ? std::string_view() : path.substr(0, slash);
  }
}

}  // namespace

// The way to a file as it is now, links followed.
struct FileWatch::Trail {
  struct Identity {
    dev_t device = 0;
    ino_t inode = 0;
    bool operator==(const Identity&) const = default;
  };
  struct Directory {
    Identity identity;
    std::set<std::string, std::less<>> names;  // Looked up in it.
    bool operator==(const Directory&) const = default;
  };
  std::map<std::string, Directory> directories;  // By path, free of links.
  std::string last = "/";                        // The one in which the way ends.
  std::string target;                            // What it leads to; empty when nothing is there.
  bool target_is_directory = false;
  Identity target_identity;

  bool operator==(const Trail&) const = default;

  static Trail Follow(const std::string& path);

 private:
  // The entry `name` of `last`: true when the way goes on.
  bool Step(const std::string& name, std::deque<std::string>& pending, int& links);
};

FileWatch::Trail FileWatch::Trail::Follow(const std::string& path) {
  Trail out;
  std::deque<std::string> pending;
  Prepend(pending, path);
  int links = 0;
  bool on = true;
  while (on && !pending.empty()) {
    const std::string name = std::move(pending.front());
    pending.pop_front();
    on = out.Step(name, pending, links);
  }
  return out;
}

bool FileWatch::Trail::Step(const std::string& name, std::deque<std::string>& pending, int& links) {
  if (name == "..") {
    last = last.substr(0, std::max<size_t>(1, last.rfind('/')));
    return true;
  }
  struct stat info{};
  if (lstat(last.c_str(), &info) != 0) {
    return false;
  }
  Directory& directory = directories[last];
  directory.identity = {info.st_dev, info.st_ino};
  directory.names.insert(name);
  const std::string path = Join(last, name);
  if (lstat(path.c_str(), &info) != 0) {
    return false;
  }
  if (S_ISLNK(info.st_mode)) {
    std::array<char, PATH_MAX> to;
    const ssize_t size = readlink(path.c_str(), to.data(), to.size());
    if (size <= 0 || ++links > kMaxLinks) {
      return false;
    }
    const std::string_view text(to.data(), static_cast<size_t>(size));
    Prepend(pending, text);
    last = text.starts_with('/') ? "/" : last;
    return true;
  }
  if (pending.empty()) {
    target = path;
    target_is_directory = S_ISDIR(info.st_mode);
    target_identity = {info.st_dev, info.st_ino};
    return false;
  }
  last = path;
  return S_ISDIR(info.st_mode);
}

FileWatch::FileWatch(Loop& loop, std::string path, std::function<void()> changed)
    : loop_(loop), path_(Absolute(std::move(path))), changed_(std::move(changed)) {
  Subscribe();
}

void FileWatch::Subscribe() {
  Trail trail = Trail::Follow(path_);
  for (int i = 0; i < kAttempts; ++i) {
    SubscribeTo(trail);
    // What changed between the look and the subscription would go unseen.
    Trail now = Trail::Follow(path_);
    if (now == trail) {
      return;
    }
    trail = std::move(now);
  }
  OnChange();  // Still moving: again after a pause.
}

void FileWatch::SubscribeTo(const Trail& trail) {
  FileEvents& events = loop_.file_events();
  std::vector<std::unique_ptr<FileEvents::Subscription>> before;
  before.swap(subscriptions_);  // Dropped last: what stays watched is never unwatched meanwhile.
  trouble_.clear();
  for (const auto& [path, directory] : trail.directories) {
    auto names = directory.names;
    auto made = events.Watch(path, kEntryMask | kSelfMask | IN_ONLYDIR,
                             [this, names](uint32_t mask, std::string_view name) {
                               if ((mask & kEntryMask) == 0 || names.contains(name)) {
                                 OnChange();
                               }
                             });
    if (made) {
      subscriptions_.push_back(*std::move(made));
    } else if (path == trail.last) {  // Those above may be closed to us; they seldom change.
      trouble_ = made.error().message;
    }
  }
  if (!trail.target.empty()) {
    SubscribeToTarget(trail);
  }
}

void FileWatch::SubscribeToTarget(const Trail& trail) {
  FileEvents& events = loop_.file_events();
  const uint32_t mask = trail.target_is_directory ? kEntryMask | kSelfMask : kFileMask;
  auto made = events.Watch(trail.target, mask, [this](uint32_t, std::string_view) { OnChange(); });
  if (made) {
    subscriptions_.push_back(*std::move(made));
    return;
  }
  trouble_ = made.error().message;
  // What may not be read can't be watched; its directory tells when it may be.
  const std::string name = trail.target.substr(trail.target.rfind('/') + 1);
  auto permissions = events.Watch(trail.last, IN_ATTRIB | IN_ONLYDIR,
                                  [this, name](uint32_t, std::string_view changed) {
                                    if (changed == name) {
                                      OnChange();
                                    }
                                  });
  if (permissions) {
    subscriptions_.push_back(*std::move(permissions));
  }
}

void FileWatch::OnChange() {
  const MonotonicTime now = loop_.now();
  if (!armed()) {
    burst_began_ = now;
  }
  loop_.deadlines().Arm(*this, std::min(now + kQuiet, burst_began_ + kLongest));
}

void FileWatch::OnDeadline() {
  Subscribe();
  const std::function<void()> changed = changed_;
  changed();
}

}  // namespace gatehouse::event

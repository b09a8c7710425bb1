// SPDX-License-Identifier: Apache-2.0
// A redis-server of a test's own, on a unix socket in its temporary folder.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace gatehouse::redis {

class RealRedis {
 public:
  // `settings`: further words of its command line. It is ready when it answers.
  explicit RealRedis(std::initializer_list<std::string> settings = {}) {
    char folder[] = "/tmp/gatehouse-redis-XXXXXX";
    EXPECT_NE(mkdtemp(folder), nullptr);
    folder_ = folder;
    std::vector<std::string> words = {
        "redis-server", "--port", "0",         "--unixsocket",  path(), "--save", "",
        "--dir",        folder_,  "--logfile", folder_ + "/log"};
    words.insert(words.end(), settings.begin(), settings.end());
    std::vector<char*> arguments;
    for (std::string& word : words) {
      arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    const int failed =
        posix_spawnp(&process_, "redis-server", nullptr, nullptr, arguments.data(), environ);
    EXPECT_EQ(failed, 0) << "tools/install --test installs redis-server";
  }
  ~RealRedis() {
    Signal(SIGKILL);
    Signal(SIGCONT);
    waitpid(process_, nullptr, 0);
    for (const std::string& file : {path(), folder_ + "/log"}) {
      unlink(file.c_str());
    }
    rmdir(folder_.c_str());
  }
  RealRedis(const RealRedis&) = delete;
  RealRedis& operator=(const RealRedis&) = delete;

  std::string path() const { return folder_ + "/socket"; }
  void Signal(int signal) const { kill(process_, signal); }

 private:
  std::string folder_;
  pid_t process_ = 0;
};

}  // namespace gatehouse::redis

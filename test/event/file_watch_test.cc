// SPDX-License-Identifier: Apache-2.0
#include "source/event/file_watch.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "test/event/loop_wait.h"

namespace gatehouse::event {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

void WriteFile(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }

// Writes beside and renames, as editors and `mv` do.
void Replace(const fs::path& path, const std::string& text) {
  const fs::path temporary = path.string() + ".tmp";
  WriteFile(temporary, text);
  fs::rename(temporary, path);
}

struct FileWatchTest : testing::Test {
  FileWatchTest() {
    std::string name = testing::TempDir() + "/watchXXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    directory = fs::canonical(name);
    file = directory / "gatehouse.yaml";
    loop.UpdateNow();
  }
  ~FileWatchTest() override { fs::remove_all(directory); }

  void Watch(const fs::path& path) {
    watch = std::make_unique<FileWatch>(loop, path, [this] {
      ++calls;
      wait.Done();
    });
    EXPECT_EQ(watch->trouble(), "");
  }
  // What `change` does is told, in one call.
  template <typename Change>
  void ExpectOneCall(Change change) {
    const int before = calls;
    loop.Post(change);
    EXPECT_TRUE(wait.Run());
    wait.RunFor(FileWatch::kQuiet + milliseconds(50));
    EXPECT_EQ(calls, before + 1);
  }
  template <typename Change>
  void ExpectNoCall(Change change) {
    const int before = calls;
    loop.Post(change);
    wait.RunFor(FileWatch::kQuiet + milliseconds(50));
    EXPECT_EQ(calls, before);
  }

  fs::path directory;
  fs::path file;
  Loop loop{"test"};
  LoopWait wait{loop};
  std::unique_ptr<FileWatch> watch;
  int calls = 0;
};

TEST_F(FileWatchTest, WrittenInPlace) {
  WriteFile(file, "1");
  Watch(file);
  ExpectOneCall([&] { WriteFile(file, "2"); });
  ExpectOneCall([&] { std::ofstream(file, std::ios::app) << "3"; });
}

TEST_F(FileWatchTest, SeveralWritesAreOneBurst) {
  WriteFile(file, "1");
  Watch(file);
  ExpectOneCall([&] {
    for (int i = 0; i < 50; ++i) {
      WriteFile(file, std::to_string(i));
    }
    Replace(file, "last");
  });
}

TEST_F(FileWatchTest, RenamedOverAgainAndAgain) {
  WriteFile(file, "1");
  Watch(file);
  for (const char* text : {"2", "3", "4"}) {
    ExpectOneCall([&] { Replace(file, text); });
  }
  ExpectOneCall([&] { WriteFile(file, "in place after that"); });
}

TEST_F(FileWatchTest, RemovedAndCreatedAgain) {
  WriteFile(file, "1");
  Watch(file);
  ExpectOneCall([&] { fs::remove(file); });
  ExpectOneCall([&] { WriteFile(file, "2"); });
  ExpectOneCall([&] { WriteFile(file, "3"); });
}

TEST_F(FileWatchTest, MovedAway) {
  WriteFile(file, "1");
  Watch(file);
  ExpectOneCall([&] { fs::rename(file, directory / "old.yaml"); });
  ExpectNoCall([&] { WriteFile(directory / "old.yaml", "2"); });
}

TEST_F(FileWatchTest, MadeReadable) {
  WriteFile(file, "1");
  Watch(file);
  ExpectOneCall([&] { fs::permissions(file, fs::perms::owner_read); });
}

TEST_F(FileWatchTest, NeighboursDoNotMatter) {
  WriteFile(file, "1");
  WriteFile(directory / "access.log", "");
  Watch(file);
  ExpectNoCall([&] {
    std::ofstream(directory / "access.log", std::ios::app) << "a line\n";
    WriteFile(directory / "new", "x");
    fs::remove(directory / "new");
    std::string text;
    std::ifstream(file) >> text;
  });
}

// As kubelet does it: the file is a link through ..data, which is swapped by a rename.
struct ConfigMap {
  explicit ConfigMap(const fs::path& directory) : directory(directory) {
    MakeVersion("..v1", "1");
    fs::create_directory_symlink("..v1", directory / "..data");
    fs::create_symlink("..data/gatehouse.yaml", directory / "gatehouse.yaml");
  }
  void MakeVersion(const std::string& version, const std::string& text) {
    fs::create_directory(directory / version);
    WriteFile(directory / version / "gatehouse.yaml", text);
  }
  void SwapTo(const std::string& version, const std::string& old) {
    MakeVersion(version, version);
    fs::create_directory_symlink(version, directory / "..data_tmp");
    fs::rename(directory / "..data_tmp", directory / "..data");
    fs::remove_all(directory / old);
  }
  fs::path directory;
};

TEST_F(FileWatchTest, KubernetesSwapsALink) {
  ConfigMap map(directory);
  Watch(file);
  ExpectOneCall([&] { map.SwapTo("..v2", "..v1"); });
  ExpectOneCall([&] { map.SwapTo("..v3", "..v2"); });
  ExpectOneCall([&] { WriteFile(directory / "..v3" / "gatehouse.yaml", "edited behind it"); });
  ExpectNoCall([&] { map.MakeVersion("..v4", "not yet"); });
}

TEST_F(FileWatchTest, TargetOfALinkInAnotherDirectory) {
  fs::create_directory(directory / "real");
  WriteFile(directory / "real" / "a.yaml", "1");
  fs::create_symlink(directory / "real" / "a.yaml", file);  // Absolute.
  Watch(file);
  ExpectOneCall([&] { WriteFile(directory / "real" / "a.yaml", "2"); });
  ExpectOneCall([&] { Replace(directory / "real" / "a.yaml", "3"); });
  ExpectOneCall([&] {
    fs::remove(file);
    fs::create_symlink("real/../real/b.yaml", file);
  });
  ExpectOneCall([&] { WriteFile(directory / "real" / "b.yaml", "4"); });
}

TEST_F(FileWatchTest, LinksInACircle) {
  fs::create_symlink("b", directory / "a");
  fs::create_symlink("a", directory / "b");
  Watch(directory / "a");
  ExpectOneCall([&] { Replace(directory / "b", "no link any more"); });
}

TEST_F(FileWatchTest, DirectoriesThatAppearLater) {
  Watch(directory / "etc" / "gatehouse" / "conf.yaml");
  ExpectOneCall([&] { fs::create_directory(directory / "etc"); });
  ExpectOneCall([&] {
    fs::create_directory(directory / "etc" / "gatehouse");
    WriteFile(directory / "etc" / "gatehouse" / "conf.yaml", "1");
  });
  ExpectOneCall([&] { WriteFile(directory / "etc" / "gatehouse" / "conf.yaml", "2"); });
}

TEST_F(FileWatchTest, DirectoryReplaced) {
  const fs::path conf = directory / "conf";
  fs::create_directory(conf);
  WriteFile(conf / "a.yaml", "1");
  Watch(conf / "a.yaml");
  ExpectOneCall([&] {
    fs::create_directory(directory / "new");
    WriteFile(directory / "new" / "a.yaml", "2");
    fs::rename(conf, directory / "old");
    fs::rename(directory / "new", conf);
  });
  ExpectOneCall([&] { WriteFile(conf / "a.yaml", "3"); });
  ExpectNoCall([&] { WriteFile(directory / "old" / "a.yaml", "x"); });
  ExpectOneCall([&] { fs::remove_all(conf); });
  ExpectOneCall([&] {
    fs::create_directory(conf);
    WriteFile(conf / "a.yaml", "4");
  });
}

TEST_F(FileWatchTest, AWriterWithoutPauseIsToldAfterASecond) {
  WriteFile(file, "1");
  Watch(file);
  std::ofstream out(file, std::ios::app);
  TestDeadline writer([&] {
    out << "x" << std::flush;
    loop.deadlines().ArmAfter(writer, milliseconds(20));
  });
  loop.deadlines().ArmAfter(writer, Duration::zero());
  const MonotonicTime start = MonotonicNow();
  EXPECT_TRUE(wait.Run());
  EXPECT_GE(MonotonicNow() - start, FileWatch::kLongest - milliseconds(50));
  EXPECT_LT(MonotonicNow() - start, 5 * FileWatch::kLongest);
}

TEST_F(FileWatchTest, LostEventsCountAsAChange) {
  WriteFile(file, "1");
  Watch(file);
  ExpectOneCall([&] {
    std::ifstream limit("/proc/sys/fs/inotify/max_queued_events");
    int events = 16384;
    limit >> events;
    for (int i = 0; i < events / 2 + 10; ++i) {
      const fs::path name = directory / std::to_string(i);
      close(open(name.c_str(), O_CREAT | O_WRONLY, 0600));
      unlink(name.c_str());
    }
    Replace(file, "its event is lost");
  });
  ExpectOneCall([&] { WriteFile(file, "3"); });
}

TEST_F(FileWatchTest, DestroyedInItsCallback) {
  WriteFile(file, "1");
  watch = std::make_unique<FileWatch>(loop, file, [this] {
    watch.reset();
    wait.Done();
  });
  WriteFile(file, "2");
  EXPECT_TRUE(wait.Run());
}

TEST_F(FileWatchTest, SeveralOfTheSameFileAndDirectory) {
  WriteFile(file, "1");
  WriteFile(directory / "other", "1");
  int others = 0;
  auto second = std::make_unique<FileWatch>(loop, file, [] { FAIL(); });
  const FileWatch third(loop, directory / "other", [&] { ++others; });
  Watch(file);
  second.reset();
  ExpectOneCall([&] { WriteFile(file, "2"); });
  EXPECT_EQ(others, 0);
  ExpectNoCall([&] { WriteFile(directory / "other", "2"); });
  EXPECT_EQ(others, 1);
}

TEST_F(FileWatchTest, EntriesOfADirectory) {
  const fs::path routes = directory / "routes";
  fs::create_directory(routes);
  Watch(routes);
  ExpectOneCall([&] { WriteFile(routes / "a.yaml", "1"); });
  ExpectNoCall([&] { WriteFile(routes / "a.yaml", "2"); });
  ExpectOneCall([&] { fs::remove(routes / "a.yaml"); });
}

TEST_F(FileWatchTest, RelativePaths) {
  const fs::path before = fs::current_path();
  fs::current_path(directory);
  WriteFile("conf.yaml", "1");
  Watch("./conf.yaml");
  fs::current_path(before);  // Meant the directory of then.
  ExpectOneCall([&] { WriteFile(directory / "conf.yaml", "2"); });
}

}  // namespace
}  // namespace gatehouse::event

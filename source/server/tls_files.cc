// SPDX-License-Identifier: Apache-2.0
#include "source/server/tls_files.h"

#include <algorithm>
#include <utility>

#include "source/base/log.h"

namespace gatehouse::server {

struct TlsFiles::Followed {
  Subject subject;
  std::vector<std::unique_ptr<event::FileWatch>> watches;
};

TlsFiles::TlsFiles(event::Loop& loop, event::Background& background)
    : loop_(loop), background_(background) {}

TlsFiles::~TlsFiles() = default;

void TlsFiles::Follow(Subjects subjects) {
  std::erase_if(followed_, [&](const auto& one) { return !subjects.contains(one.first); });
  for (auto& [key, subject] : subjects) {
    std::unique_ptr<Followed>& followed = followed_[key];
    if (followed != nullptr) {
      continue;
    }
    followed = std::make_unique<Followed>(Followed{std::move(subject), {}});
    Followed* const self = followed.get();
    for (const std::string& path : self->subject.paths) {
      self->watches.push_back(std::make_unique<event::FileWatch>(loop_, path, [this, self, path] {
        log::Info("a file of tls has changed", {{"of", self->subject.name}, {"path", path}});
        Load(*self);
      }));
      if (const std::string& trouble = self->watches.back()->trouble(); !trouble.empty()) {
        log::Warning("changes of a file may go unseen", {{"path", path}, {"reason", trouble}});
      }
    }
    Load(*self);
  }
}

void TlsFiles::LoadAll() {
  for (const auto& [key, followed] : followed_) {
    Load(*followed);
  }
}

void TlsFiles::Load(Followed& followed) {
  background_.Run([load = followed.subject.load] { load(); });
}

TlsFiles::Subjects ClusterTlsFiles(const proxy::Snapshot& snapshot) {
  TlsFiles::Subjects out;
  for (const std::shared_ptr<upstream::Cluster>& cluster : snapshot.clusters) {
    if (cluster->tls() == nullptr) {
      continue;
    }
    TlsFiles::Subject subject;
    subject.name = "cluster " + cluster->name();
    subject.load = [cluster] {
      if (const Result<void> loaded = cluster->tls()->Load(); !loaded) {
        log::Warning("files of tls can't be used, those from before stay",
                     {{"cluster", cluster->name()}, {"error", loaded.error().message}});
      }
    };
    const tls::ClientSettings& settings = cluster->tls()->settings();
    for (const std::string* path :
         {&settings.ca_file, &settings.crl_file, &settings.cert_file, &settings.key_file}) {
      if (!path->empty()) {
        subject.paths.push_back(*path);
      }
    }
    if (!subject.paths.empty()) {
      out.emplace(cluster.get(), std::move(subject));
    }
  }
  return out;
}

}  // namespace gatehouse::server

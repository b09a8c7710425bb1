// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/watched_file.h"

#include "source/pipeline/services.h"

namespace gatehouse::filters {
namespace {

class FileUpkeep final : public pipeline::Upkeep {
 public:
  FileUpkeep(pipeline::Services& services, const std::string& path, std::function<bool()> load,
             bool load_first, observe::MetricId failed, observe::MetricId used)
      : services_(services),
        load_(std::move(load)),
        failed_(failed),
        used_(used),
        watch_(services.Watch({path}, [this] { OnChange(); })) {
    if (load_first) {
      OnChange();
    }
  }

 private:
  void OnChange() {
    if (loading_ != nullptr) {
      again_ = true;
      return;
    }
    auto used = std::make_shared<bool>(false);
    loading_ = services_.Background([load = load_, used] { *used = load(); },
                                    [this, used] { OnLoaded(*used); });
  }
  void OnLoaded(bool used) {
    loading_ = nullptr;
    services_.Count(used ? used_ : failed_);
    if (std::exchange(again_, false)) {
      OnChange();
    }
  }

  pipeline::Services& services_;
  const std::function<bool()> load_;
  const observe::MetricId failed_;
  const observe::MetricId used_;
  const std::unique_ptr<pipeline::Pending> watch_;
  std::unique_ptr<pipeline::Pending> loading_;
  bool again_ = false;  // It changed while it was being read.
};

}  // namespace

std::unique_ptr<pipeline::Upkeep> KeepFile(pipeline::Services& services, const std::string& path,
                                           std::function<bool()> load, bool load_first,
                                           observe::MetricId failed, observe::MetricId used) {
  return std::make_unique<FileUpkeep>(services, path, std::move(load), load_first, failed, used);
}

void LogUnusedFile(std::string_view filter, const std::string& path,
                   const config::Diagnostics& diagnostics) {
  const std::vector<config::Diagnostic> all = diagnostics.Sorted();
  for (const config::Diagnostic& one : all) {
    if (one.severity == config::Severity::kError) {
      log::Warning("a filter's file is not used: it has mistakes, and what was read before stays",
                   {{"filter", filter},
                    {"file", path},
                    {"line", one.position.line},
                    {"column", one.position.column},
                    {"errors", diagnostics.errors()},
                    {"first", one.message}});
      return;
    }
  }
}

}  // namespace gatehouse::filters

// SPDX-License-Identifier: Apache-2.0
#include "source/filters/watched_file.h"

#include <utility>

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

FileTrouble FileTrouble::Of(const config::Diagnostics& diagnostics) {
  FileTrouble out{.when = WallNow(), .errors = diagnostics.errors()};
  for (config::Diagnostic& one : diagnostics.Sorted()) {
    if (one.severity == config::Severity::kError && out.first.size() < kKept) {
      out.first.push_back(std::move(one));
    }
  }
  return out;
}

void ReportFile(const config::Diagnostics& found, bool kept, const config::Value& at,
                config::Diagnostics& diagnostics) {
  const uint32_t file = found.files().empty() ? 0 : diagnostics.AddFile(found.files()[0]);
  config::Position last;
  for (const config::Diagnostic& one : found.Sorted()) {
    const bool known = one.position.line != 0;
    last = known ? config::Position{file, one.position.line, one.position.column} : at.position();
    if (kept || one.severity == config::Severity::kWarning) {
      diagnostics.Warning(last, at.path(), one.message);
    } else {
      diagnostics.Error(last, at.path(), one.message);
    }
  }
  std::string further;
  if (found.errors() > FileTrouble::kKept) {
    further = std::to_string(found.errors() - FileTrouble::kKept) + " further lines are wrong too";
  }
  if (kept) {
    at.Warning("the file can't be used as it is now, and what was read before stays in force");
  }
  if (kept && !further.empty()) {
    diagnostics.Warning(last, at.path(), std::move(further));
  } else if (!further.empty()) {
    diagnostics.Error(last, at.path(), std::move(further));
  }
}

void LogUnusedFile(std::string_view filter, const std::string& path,
                   const config::Diagnostics& diagnostics) {
  const FileTrouble trouble = FileTrouble::Of(diagnostics);
  if (trouble.first.empty()) {
    return;
  }
  log::Warning("a filter's file is not used: it has mistakes, and what was read before stays",
               {{"filter", filter},
                {"file", path},
                {"line", trouble.first[0].position.line},
                {"column", trouble.first[0].position.column},
                {"errors", trouble.errors},
                {"first", trouble.first[0].message}});
  for (size_t i = 1; i < trouble.first.size(); ++i) {
    log::Warning("a further mistake in a filter's file", {{"filter", filter},
                                                          {"file", path},
                                                          {"line", trouble.first[i].position.line},
                                                          {"why", trouble.first[i].message}});
  }
}

}  // namespace gatehouse::filters

// SPDX-License-Identifier: Apache-2.0
#include "source/filters/security/access_config.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "source/filters/security/country_code.h"
#include "source/filters/security/ip_list.h"
#include "source/filters/state_file.h"

namespace gatehouse::filters {
namespace {

using config::About;
using config::Value;

// The file's lines.
std::shared_ptr<const AddressList> MakeList(std::string_view text, const std::string& path,
                                            config::Diagnostics& diagnostics, Backlog& backlog) {
  auto list = std::make_shared<AddressList>();
  if (path.empty()) {
    return list;
  }
  const uint32_t file = diagnostics.AddFile(path);
  AddressBlocks blocks;
  size_t mistakes = 0;
  list->entries = ParseIpList(text, blocks, [&](uint32_t line, const std::string& message) {
    ++mistakes;
    diagnostics.Error({file, line, 1}, {}, message);
  });
  backlog.Count(Backlog::kBadLines, static_cast<int64_t>(mistakes));
  if (mistakes == 0) {
    list->set = CidrSet(std::move(blocks));
  }
  return list;
}

// The file's countries. One that is still empty may be about to be fetched.
std::shared_ptr<const CountryDb> MakeDatabase(std::string_view text, const std::string& path,
                                              config::Diagnostics& diagnostics) {
  if (path.empty()) {
    return CountryDb::Nothing();
  }
  const config::Position at{diagnostics.AddFile(path), 1, 1};
  if (text.empty()) {
    diagnostics.Warning(at, {}, "the file is empty: no country is known until it has some");
    return CountryDb::Nothing();
  }
  auto database = CountryDb::Open(text);
  if (!database) {
    diagnostics.Error(at, {}, database.error().message);
    return CountryDb::Nothing();
  }
  return *database;
}

template <typename File>
std::shared_ptr<File> FileAt(const std::vector<std::shared_ptr<File>>& files,
                             const std::string& path) {
  const auto found = std::find_if(files.begin(), files.end(), [&](const auto& file) {
    return file != nullptr && file->path() == path;
  });
  return found == files.end() ? nullptr : *found;
}

class Loader {
 public:
  Loader(config::Object& in, const pipeline::LoadContext& context, const AccessConfig* base,
         const AccessConfig* previous)
      : in_(in), context_(context), base_(base), previous_(previous) {}

  AccessConfig Load() {
    const AccessConfig* const shared = base_ != nullptr ? base_ : previous_;
    out_.known_files = shared != nullptr ? shared->known_files : std::make_shared<KnownFiles>();
    LoadEntries();
    out_.rules.allow_only = in_.Has("allow") || in_.Has("allow_file") || in_.Has("allow_files");
    LoadLists("allow", "Address blocks that are let in; all others are denied.", "allow_file",
              "allow_files", "lists/allow.txt", out_.rules.allow);
    LoadLists("deny", "Address blocks that are denied, even when they are allowed.", "deny_file",
              "deny_files", "lists/deny.txt", out_.rules.deny);
    LoadCountry();
    out_.source = in_.Enum<AccessConfig::Source>(
        "source",
        {{"client", AccessConfig::Source::kClient}, {"peer", AccessConfig::Source::kPeer}},
        AccessConfig::Source::kClient,
        "Which address counts: the client's, as trusted proxies "
        "name it, or the connection's peer's.");
    out_.dry_run =
        in_.Bool("dry_run", false, "Whether who would be denied is only counted, and let in.");
    const auto given = [&](std::string_view key) { return in_.Has(key); };
    static constexpr std::string_view kPurposes[] = {"allow",   "allow_file", "allow_files",
                                                     "deny",    "deny_file",  "deny_files",
                                                     "country", "max_entries"};
    if (std::none_of(std::begin(kPurposes), std::end(kPurposes), given)) {
      in_.Error(
          "needs `allow`, `allow_file`, `deny`, `deny_file`, `country`, or `max_entries` for "
          "entries over the admin endpoint alone");
    }
    return std::move(out_);
  }

 private:
  void LoadEntries() {
    out_.max_entries = in_.Uint("max_entries", {.def = 100'000, .min = 0, .max = 1'000'000},
                                "How many entries can be made over the admin endpoint.");
    const AccessConfig* const shared = base_ != nullptr ? base_ : previous_;
    if (base_ != nullptr && base_->max_entries != out_.max_entries) {
      in_.Error("max_entries",
                "a route can't change it: entries belong to the filter, wherever it is used");
    }
    out_.owns_entries = base_ == nullptr;
    if (shared != nullptr) {
      out_.rules.entries = shared->rules.entries;
      return;
    }
    out_.rules.entries = EntryTable::At(
        std::string(context_.filter_name),
        StateFileOf(context_.state_dir, "ip_access", context_.filter_name), context_.activate);
  }

  void LoadLists(std::string_view key, std::string_view help, std::string_view file_key,
                 std::string_view files_key, std::string_view example, AddressLists& lists) {
    AddressBlocks blocks;
    for (const Value& value : in_.List(key, About(help).Type("CIDR block"))) {
      if (const Result<void> added = AddEntry(value.String(), blocks); !added) {
        value.Error(added.error().message);
      }
    }
    lists.blocks = CidrSet(std::move(blocks));
    const Value file = in_.Get(file_key, About("File with such blocks, one a line, watched: a "
                                               "change counts at once. `#` starts a comment.")
                                             .Type("path")
                                             .Example(example));
    if (file.present()) {
      AddFile(file, lists);
    }
    for (const Value& more : in_.List(files_key, About("More such files.").Type("path"))) {
      AddFile(more, lists);
    }
  }

  void AddFile(const Value& value, AddressLists& lists) {
    const std::string path = value.String();
    if (path.empty() || path == "-") {
      value.Error("must name a file");
      return;
    }
    const auto twice = [&](const auto& other) { return other->path() == path; };
    if (std::any_of(lists.files.begin(), lists.files.end(), twice)) {
      value.Error("this file is in the list already");
      return;
    }
    lists.files.push_back(ListAt(value, path));
  }

  std::shared_ptr<ListFile> ListAt(const Value& value, const std::string& path) {
    if (base_ != nullptr) {
      for (const AddressLists* lists : {&base_->rules.deny, &base_->rules.allow}) {
        if (std::shared_ptr<ListFile> file = FileAt(lists->files, path)) {
          return file;
        }
      }
    }
    // Also of this definition: one file may be in two lists.
    std::shared_ptr<ListFile> file = FileAt(out_.own_files, path);
    if (file != nullptr) {
      return file;
    }
    file = previous_ == nullptr ? nullptr : FileAt(previous_->own_files, path);
    if (file == nullptr || !file->Unchanged()) {
      const std::shared_ptr<ListFile> last = out_.known_files->lists.Find(path);
      file = std::make_shared<ListFile>(
          std::string(context_.filter_name), path,
          [entries = out_.rules.entries](std::string_view text, const std::string& from,
                                         config::Diagnostics& diagnostics) {
            return MakeList(text, from, diagnostics, entries->backlog());
          },
          "the file is empty; a list of nobody is a file with a comment");
      file->LoadAfter(last.get(), value, in_.diagnostics());
      out_.known_files->lists.Add(file);
    }
    out_.own_files.push_back(file);
    return file;
  }

  void LoadCountry() {
    CountryRules& rules = out_.rules.country;
    const bool present = in_.Has("country");
    config::Object in = in_.Child(
        "country", "Rules by the country that an address belongs to, in a MaxMind database.");
    const Value database =
        in.Get("database", About("MaxMind database with countries, watched: a new one is used at "
                                 "once.")
                               .Type("path")
                               .Required()
                               .Example("GeoLite2-Country.mmdb"));
    rules.deny = Codes(in, "deny", "Countries that are denied.");
    rules.allow = Codes(in, "allow", "Countries that are let in; all others are denied.");
    const bool allows = in.Has("allow");
    rules.deny_unknown =
        in.Enum<bool>("unknown", {{"allow", false}, {"deny", true}}, allows,
                      About("What becomes of addresses whose country is not known.")
                          .Default("allow; deny when there is an `allow`"));
    out_.rules.allow_only = out_.rules.allow_only || allows;
    if (!present) {
      return;
    }
    if (!allows && !in.Has("deny") && !in.Has("unknown")) {
      in.Error("needs `allow`, `deny` or `unknown`");
    }
    if (database.present()) {
      LoadDatabase(database);
    } else {
      in.Error("needs a `database`");
    }
  }

  std::vector<CountryCode> Codes(config::Object& in, std::string_view key, std::string_view help) {
    std::vector<CountryCode> out;
    for (const Value& value : in.List(key, About(help).Type("country code"))) {
      const std::string text = value.String();
      if (const std::optional<CountryCode> code = ParseCountry(text)) {
        out.push_back(*code);
      } else {
        value.Error("\"" + text + "\" is not a country's code of two capital letters (ISO 3166-1)",
                    SuggestCountry(text));
      }
    }
    return out;
  }

  void LoadDatabase(const Value& value) {
    const std::string path = value.String();
    if (path.empty() || path == "-") {
      value.Error("must name a file");
      return;
    }
    CountryRules& rules = out_.rules.country;
    if (base_ != nullptr) {
      rules.database = FileAt<CountryFile>({base_->rules.country.database}, path);
      if (rules.database != nullptr) {
        return;
      }
    }
    std::shared_ptr<CountryFile> file;
    if (previous_ != nullptr) {
      file = FileAt<CountryFile>({previous_->own_database}, path);
    }
    if (file == nullptr || !file->Unchanged()) {
      const std::shared_ptr<CountryFile> last = out_.known_files->databases.Find(path);
      file = std::make_shared<CountryFile>(std::string(context_.filter_name), path, MakeDatabase,
                                           "the file is empty");
      file->LoadAfter(last.get(), value, in_.diagnostics());
      out_.known_files->databases.Add(file);
    }
    out_.own_database = file;
    rules.database = std::move(file);
  }

  config::Object& in_;
  const pipeline::LoadContext& context_;
  const AccessConfig* const base_;
  const AccessConfig* const previous_;
  AccessConfig out_;
};

}  // namespace

AccessConfig LoadAccessConfig(config::Object& in, const pipeline::LoadContext& context,
                              const AccessConfig* base, const AccessConfig* previous) {
  return Loader(in, context, base, previous).Load();
}

}  // namespace gatehouse::filters

// SPDX-License-Identifier: Apache-2.0
#include "source/filters/security/country_code.h"

#include <utility>

namespace gatehouse::filters {
namespace {

// In order, two letters each.
constexpr std::string_view kCodes =
    "ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCD"
    "CFCGCHCICKCLCMCNCOCRCUCVCWCXCYCZDEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGF"
    "GGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUIDIEILIMINIOIQIRISITJEJMJOJPKEKGKHKIKMKN"
    "KPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNA"
    "NCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSI"
    "SJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVI"
    "VNVUWFWSXKYEYTZAZMZW";

// Words for countries that have another code.
constexpr std::pair<std::string_view, std::string_view> kSlips[] = {
    {"UK", "GB"},  {"EN", "GB"},  {"EL", "GR"},  {"JA", "JP"},  {"SU", "RU"},  {"AN", "CW"},
    {"YU", "RS"},  {"USA", "US"}, {"GBR", "GB"}, {"DEU", "DE"}, {"GER", "DE"}, {"FRA", "FR"},
    {"CHN", "CN"}, {"RUS", "RU"}, {"PRK", "KP"}, {"KOR", "KR"}, {"IRN", "IR"}, {"JPN", "JP"},
    {"IND", "IN"}, {"BRA", "BR"}, {"NLD", "NL"}, {"ESP", "ES"}, {"ITA", "IT"}, {"POL", "PL"},
};

std::string Uppercase(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    c = c >= 'a' && c <= 'z' ? static_cast<char>(c & ~0x20) : c;
  }
  return out;
}

}  // namespace

std::optional<CountryCode> ParseCountry(std::string_view text) {
  if (text.size() == 2) {
    for (size_t i = 0; i < kCodes.size(); i += 2) {
      if (kCodes.substr(i, 2) == text) {
        return CountryCode{text[0], text[1]};
      }
    }
  }
  return std::nullopt;
}

std::string SuggestCountry(std::string_view text) {
  std::string capitals = Uppercase(text.substr(0, 8));
  if (ParseCountry(capitals)) {
    return capitals;
  }
  for (const auto& [word, code] : kSlips) {
    if (capitals == word) {
      return std::string(code);
    }
  }
  return {};
}

}  // namespace gatehouse::filters

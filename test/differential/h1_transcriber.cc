// SPDX-License-Identifier: Apache-2.0
// Reads connections' bytes from stdin and writes what the codecs make of each, as one line of JSON.
//
// An input is a kind ('q': requests, 'r': a response to GET, 'h': one to HEAD), a seed and a size
// of four bytes each, little-endian, and the bytes. Each is read whole, byte by byte and in random
// pieces: where they don't agree, "pieces" says what came of the others.
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "test/differential/h1_transcript.h"

namespace gatehouse::http {
namespace {

using Json = nlohmann::ordered_json;

// Bytes as the characters U+0000 to U+00FF, in UTF-8.
std::string Latin1(const std::string& bytes) {
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xc0 | byte >> 6);
      out += static_cast<char>(0x80 | (byte & 0x3f));
    }
  }
  return out;
}

Json ToJson(const std::vector<WrittenField>& fields) {
  Json out = Json::array();
  for (const WrittenField& field : fields) {
    out.push_back({Latin1(field.name), Latin1(field.value)});
  }
  return out;
}

Json ToJson(const Transcript& transcript) {
  Json messages = Json::array();
  for (const WrittenMessage& message : transcript.messages) {
    messages.push_back({{"method", Latin1(message.method)},
                        {"target", Latin1(message.target)},
                        {"authority", Latin1(message.authority)},
                        {"status", message.status},
                        {"informational", message.informational},
                        {"minor", message.minor_version},
                        {"fields", ToJson(message.fields)},
                        {"body", Latin1(message.body)},
                        {"trailers", ToJson(message.trailers)},
                        {"end", message.end},
                        {"reusable", message.reusable}});
  }
  return {{"messages", messages}, {"outcome", transcript.outcome}, {"why", transcript.why}};
}

Transcript Read(char kind, const std::string& bytes, const std::vector<size_t>& cuts) {
  return kind == 'q' ? ReadRequests(bytes, cuts)
                     : ReadResponse(bytes, cuts, kind == 'h' ? Method::kHead : Method::kGet);
}

// Which of several reasons for a refusal is found may depend on how the bytes arrive.
bool Agree(const Transcript& a, const Transcript& b) {
  return a.messages == b.messages && a.outcome == b.outcome;
}

// Where the bytes are parted: everywhere, then at random.
std::vector<std::vector<size_t>> WaysToCut(size_t size, uint32_t seed) {
  std::vector<std::vector<size_t>> out(1);
  for (size_t i = 1; i < size; ++i) {
    out[0].push_back(i);
  }
  std::mt19937 random(seed);
  for (const uint32_t one_in : {3u, 20u}) {
    std::vector<size_t>& cuts = out.emplace_back();
    for (size_t i = 1; i < size; ++i) {
      if (random() % one_in == 0) {
        cuts.push_back(i);
      }
    }
  }
  return out;
}

bool ReadUint(uint32_t& out) {
  unsigned char bytes[4];
  if (!std::cin.read(reinterpret_cast<char*>(bytes), sizeof(bytes))) {
    return false;
  }
  out = bytes[0] | bytes[1] << 8 | bytes[2] << 16 | static_cast<uint32_t>(bytes[3]) << 24;
  return true;
}

int Run() {
  char kind = 0;
  uint32_t seed = 0;
  uint32_t size = 0;
  while (std::cin.get(kind) && ReadUint(seed) && ReadUint(size)) {
    std::string bytes(size, '\0');
    std::cin.read(bytes.data(), size);
    const Transcript whole = Read(kind, bytes, {});
    Json out = ToJson(whole);
    for (const std::vector<size_t>& cuts : WaysToCut(bytes.size(), seed)) {
      if (const Transcript pieces = Read(kind, bytes, cuts); !Agree(whole, pieces)) {
        out["pieces"] = ToJson(pieces);
      }
    }
    std::cout << out.dump() << '\n';
  }
  return 0;
}

}  // namespace
}  // namespace gatehouse::http

int main() {
  std::ios::sync_with_stdio(false);
  return gatehouse::http::Run();
}

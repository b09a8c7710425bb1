// SPDX-License-Identifier: Apache-2.0
#include "source/base/digest.h"

#include <openssl/evp.h>

#include <array>

#include "source/base/check.h"

namespace gatehouse {

std::string Sha1Base64(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  const int done =
      EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha1(), nullptr);
  GATEHOUSE_CHECK(done == 1, "SHA-1 is not available");
  std::string out(4 * ((size + 2) / 3) + 1, '\0');  // EVP_EncodeBlock ends with a NUL.
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), digest.data(),
                                     static_cast<int>(size));
  out.resize(static_cast<size_t>(length));
  return out;
}

}  // namespace gatehouse

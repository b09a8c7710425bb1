// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/jose_library.h"

#include <dlfcn.h>

#include <memory>
#include <string>

namespace gatehouse::filters {
namespace {

// As the package that this was compiled with calls it.
std::string FileName() {
  return "librhonabwy.so." + std::to_string(RHONABWY_VERSION_MAJOR) + "." +
         std::to_string(RHONABWY_VERSION_MINOR);
}

template <typename Function>
bool Find(void* library, const char* name, Function& out) {
  out = reinterpret_cast<Function>(dlsym(library, name));
  return out != nullptr;
}

std::unique_ptr<const JoseLibrary> Load() {
  void* const library = dlopen(FileName().c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    return nullptr;
  }
  auto out = std::make_unique<JoseLibrary>();
  const bool found =
      Find(library, "r_global_init", out->global_init) &&
      Find(library, "r_jwk_init", out->jwk_init) &&
      Find(library, "r_jwk_is_valid", out->jwk_is_valid) &&
      Find(library, "r_jwk_export_to_pem_der", out->jwk_export_to_pem_der) &&
      Find(library, "r_jws_init", out->jws_init) && Find(library, "r_jws_free", out->jws_free) &&
      Find(library, "r_jws_advanced_compact_parsen", out->jws_advanced_compact_parsen) &&
      Find(library, "r_jws_get_alg", out->jws_get_alg) &&
      Find(library, "r_jws_verify_signature", out->jws_verify_signature) &&
      Find(library, "r_str_to_jwa_alg", out->str_to_jwa_alg);
  if (!found || out->global_init() != RHN_OK) {
    return nullptr;
  }
  return out;
}

}  // namespace

const JoseLibrary* JoseLibrary::Get() {
  static const std::unique_ptr<const JoseLibrary> library = Load();
  return library.get();
}

}  // namespace gatehouse::filters

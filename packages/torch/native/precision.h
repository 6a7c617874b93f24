#pragma once
#include <napi.h>

namespace reclmis {

void exportPrecision(Napi::Env env, Napi::Object exports);

}  // namespace reclmis

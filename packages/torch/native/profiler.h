#pragma once
#include <napi.h>

namespace reclmis {

void exportProfiler(Napi::Env env, Napi::Object exports);

}  // namespace reclmis

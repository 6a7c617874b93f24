#pragma once
#include <napi.h>

namespace reclmis {

void exportDistributed(Napi::Env env, Napi::Object exports);

}  // namespace reclmis

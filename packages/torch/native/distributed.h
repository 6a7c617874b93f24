// c10d for JavaScript: stores, process groups, collectives, the gradient reducer.
#pragma once
#include <napi.h>

namespace reclmis {

void exportDistributed(Napi::Env env, Napi::Object exports);

}  // namespace reclmis

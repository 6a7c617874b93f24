// libtorch's autocast for JavaScript.
#pragma once
#include <napi.h>

namespace reclmis {

// Adds setAutocast, enterAutocast and leaveAutocast to what the addon exports.
void exportPrecision(Napi::Env env, Napi::Object exports);

}  // namespace reclmis

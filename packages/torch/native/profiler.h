// Times of libtorch's operators, and waiting for a device, for JavaScript.
#pragma once
#include <napi.h>

namespace reclmis {

// Adds startProfiler, takeProfile, stopProfiler and synchronize to what the addon exports.
void exportProfiler(Napi::Env env, Napi::Object exports);

}  // namespace reclmis

// libtorch's autocast for JavaScript: a switch and a dtype per kind of device and thread, and the cache of cast
// weights, emptied when the outermost block ends, as in `torch.autocast`.
#include "precision.h"

#include <ATen/autocast_mode.h>
#include <c10/core/Device.h>
#include <torch/version.h>

#include <string>

#include "guarded.h"

namespace reclmis {
namespace {

struct Autocast {
  bool enabled;
  at::ScalarType dtype;
};

// Before release 2.4 each kind of device had its own functions.
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
Autocast current(at::DeviceType type) {
  return {at::autocast::is_autocast_enabled(type), at::autocast::get_autocast_dtype(type)};
}

void set(at::DeviceType type, const Autocast& next) {
  at::autocast::set_autocast_enabled(type, next.enabled);
  at::autocast::set_autocast_dtype(type, next.dtype);
}
#else
Autocast current(at::DeviceType type) {
  if (type == at::kCPU) return {at::autocast::is_cpu_enabled(), at::autocast::get_autocast_cpu_dtype()};
  return {at::autocast::is_enabled(), at::autocast::get_autocast_gpu_dtype()};
}

void set(at::DeviceType type, const Autocast& next) {
  if (type == at::kCPU) {
    at::autocast::set_cpu_enabled(next.enabled);
    at::autocast::set_autocast_cpu_dtype(next.dtype);
  } else {
    at::autocast::set_enabled(next.enabled);
    at::autocast::set_autocast_gpu_dtype(next.dtype);
  }
}
#endif

// setAutocast(device, enabled, dtype) -> previous { enabled, dtype }
Napi::Value setAutocast(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    const at::DeviceType type = c10::Device(info[0].As<Napi::String>().Utf8Value()).type();
    TORCH_CHECK(type == at::kCPU || type == at::kCUDA, "autocast is for cpu and cuda, got ", type);
    const Autocast before = current(type);
    set(type, {info[1].As<Napi::Boolean>().Value(), static_cast<at::ScalarType>(info[2].As<Napi::Number>().Int32Value())});
    auto result = Napi::Object::New(info.Env());
    result.Set("enabled", before.enabled);
    result.Set("dtype", static_cast<int>(before.dtype));
    return result;
  });
}

void enterAutocast(const Napi::CallbackInfo& info) {
  guarded(info, [&]() { at::autocast::increment_nesting(); });
}

// leaveAutocast(): forgets cast weights after the outermost block
void leaveAutocast(const Napi::CallbackInfo& info) {
  guarded(info, [&]() {
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  });
}

}  // namespace

void exportPrecision(Napi::Env env, Napi::Object exports) {
  exports.Set("setAutocast", Napi::Function::New(env, setAutocast));
  exports.Set("enterAutocast", Napi::Function::New(env, enterAutocast));
  exports.Set("leaveAutocast", Napi::Function::New(env, leaveAutocast));
}

}  // namespace reclmis

// Times operators, forward and backward, by observers (at::RecordFunction). Self times exclude nested
// operators, so they add up.
#include "profiler.h"

#include <ATen/record_function.h>
#include <c10/core/Device.h>
#include <torch/cuda.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <unordered_map>

#include "guarded.h"

namespace reclmis {
namespace {

using Clock = std::chrono::steady_clock;

struct Entry {
  double selfMicros = 0;
  double totalMicros = 0;
  int64_t calls = 0;
};

struct Running : at::ObserverContext {
  std::string key;
  Clock::time_point begun;
  double childMicros = 0;
  Running* parent = nullptr;
};

struct Profiler {
  std::mutex mutex;  // CUDA's backward passes use other threads
  std::unordered_map<std::string, Entry> entries;
  at::CallbackHandle handle = 0;
  bool running = false;
  bool shapes = false;
  int64_t cudaDevice = -1;  // synchronised around each operator; -1: none
};

Profiler& profiler() {
  static auto* value = new Profiler();
  return *value;
}

thread_local Running* innermost = nullptr;

void waitForDevice() {
  if (profiler().cudaDevice >= 0) torch::cuda::synchronize(profiler().cudaDevice);
}

// `aten::conv2d [8,64,224,224] [64,64,3,3]`
std::string keyOf(const at::RecordFunction& function) {
  std::string key = function.name();
  if (!profiler().shapes) return key;
  std::ostringstream text;
  auto add = [&](const at::Tensor& tensor) {
    if (!tensor.defined()) return;
    text << " [";
    for (int64_t i = 0; i < tensor.dim(); i++) text << (i ? "," : "") << tensor.size(i);
    text << "]";
  };
  for (const auto& input : function.inputs()) {
    if (input.isTensor()) add(input.toTensor());
    if (input.isTensorList()) text << " " << input.toTensorVector().size() << " tensors";
  }
  return key + text.str();
}

std::unique_ptr<at::ObserverContext> onStart(const at::RecordFunction& function) {
  auto running = std::make_unique<Running>();
  running->key = keyOf(function);
  running->parent = innermost;
  innermost = running.get();
  waitForDevice();
  running->begun = Clock::now();
  return running;
}

void onEnd(const at::RecordFunction&, at::ObserverContext* context) {
  auto* running = static_cast<Running*>(context);
  if (running == nullptr) return;
  waitForDevice();
  const double micros = std::chrono::duration<double, std::micro>(Clock::now() - running->begun).count();
  innermost = running->parent;
  if (innermost != nullptr) innermost->childMicros += micros;
  const std::lock_guard<std::mutex> lock(profiler().mutex);
  Entry& entry = profiler().entries[running->key];
  entry.selfMicros += micros - running->childMicros;
  entry.totalMicros += micros;
  entry.calls += 1;
}

// startProfiler(shapes, device): by name and, if asked, input shapes. On CUDA each operator is synchronised, or
// only its launch would be timed.
void startProfiler(const Napi::CallbackInfo& info) {
  guarded(info, [&]() {
    TORCH_CHECK(!profiler().running, "a profile is already being taken");
    const c10::Device device(info[1].As<Napi::String>().Utf8Value());
    profiler().entries.clear();
    profiler().shapes = info[0].As<Napi::Boolean>().Value();
    profiler().cudaDevice = device.is_cuda() ? (device.has_index() ? device.index() : 0) : -1;
    profiler().handle = at::addGlobalCallback(
        at::RecordFunctionCallback(onStart, onEnd)
            .needsInputs(profiler().shapes)
            .scopes({at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION}));
    profiler().running = true;
  });
}

// takeProfile() -> [{ name, selfMicros, totalMicros, calls }] since the start or the last call
Napi::Value takeProfile(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    std::unordered_map<std::string, Entry> entries;
    {
      const std::lock_guard<std::mutex> lock(profiler().mutex);
      entries.swap(profiler().entries);
    }
    auto result = Napi::Array::New(info.Env(), entries.size());
    uint32_t i = 0;
    for (const auto& [key, entry] : entries) {
      auto item = Napi::Object::New(info.Env());
      item.Set("name", key);
      item.Set("selfMicros", entry.selfMicros);
      item.Set("totalMicros", entry.totalMicros);
      item.Set("calls", static_cast<double>(entry.calls));
      result.Set(i++, item);
    }
    return result;
  });
}

// stopProfiler(): harmless if none runs
void stopProfiler(const Napi::CallbackInfo& info) {
  guarded(info, [&]() {
    if (!profiler().running) return;
    at::removeCallback(profiler().handle);
    profiler().running = false;
  });
}

// synchronize(device): waits for a CUDA device's queue; other devices have none
void synchronize(const Napi::CallbackInfo& info) {
  guarded(info, [&]() {
    const c10::Device device(info[0].As<Napi::String>().Utf8Value());
    if (device.is_cuda()) torch::cuda::synchronize(device.has_index() ? device.index() : -1);
  });
}

}  // namespace

void exportProfiler(Napi::Env env, Napi::Object exports) {
  exports.Set("startProfiler", Napi::Function::New(env, startProfiler));
  exports.Set("takeProfile", Napi::Function::New(env, takeProfile));
  exports.Set("stopProfiler", Napi::Function::New(env, stopProfiler));
  exports.Set("synchronize", Napi::Function::New(env, synchronize));
}

}  // namespace reclmis

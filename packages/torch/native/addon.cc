// The addon: libtorch's dispatcher, autograd and tensors for JavaScript. It translates and never decides.
//
// Tensors are in a table; JavaScript holds their numbers, 0 for none. Operators are called boxed: the schema
// says what each JavaScript argument must become.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/GradMode.h>
#include <napi.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/cuda.h>
#include <torch/version.h>

#include <cstring>
#include <optional>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>

#include "allocator.h"
#include "cuda_memory.h"
#include "distributed.h"
#include "guarded.h"
#include "handles.h"
#include "maps.h"
#include "optional.h"
#include "precision.h"
#include "profiler.h"
#include "winograd.h"

namespace {

using reclmis::guarded;
using reclmis::memoryStatistics;
using reclmis::OptionalTensor;

constexpr int64_t kReportStep = int64_t{64} << 20;  // report native memory to V8 in such steps

struct State {
  std::unordered_map<int64_t, at::Tensor> tensors;
  int64_t next = 1;
  std::vector<c10::OperatorHandle> operators;
  int64_t reported = 0;
};

State& state() {
  static auto* value = new State();
  return *value;
}

void reportMemory(Napi::Env env) {
  const auto live = static_cast<int64_t>(memoryStatistics().live);
  const int64_t delta = live - state().reported;
  if (delta > kReportStep || delta < -kReportStep) {
    Napi::MemoryManagement::AdjustExternalMemory(env, delta);
    state().reported = live;
  }
}

}  // namespace

namespace reclmis {

const at::Tensor& tensorOf(const Napi::Value& value) {
  const int64_t id = value.As<Napi::Number>().Int64Value();
  auto found = state().tensors.find(id);
  TORCH_CHECK(found != state().tensors.end(), "tensor ", id, " is unknown or was disposed of");
  return found->second;
}

Napi::Value handleOf(Napi::Env env, at::Tensor tensor) {
  if (!tensor.defined()) return Napi::Number::New(env, 0);
  const int64_t id = state().next++;
  state().tensors.emplace(id, std::move(tensor));
  return Napi::Number::New(env, static_cast<double>(id));
}

}  // namespace reclmis

namespace {

using reclmis::handleOf;
using reclmis::tensorOf;

bool isNothing(const Napi::Value& value) { return value.IsUndefined() || value.IsNull(); }

c10::IValue toIValue(const Napi::Value& value, const c10::TypePtr& type, int32_t repeat) {
  switch (type->kind()) {
    case c10::TypeKind::TensorType:
      if (isNothing(value)) return at::Tensor();
      return tensorOf(value);
    case c10::TypeKind::OptionalType:
      if (isNothing(value)) return c10::IValue();
      return toIValue(value, type->castRaw<c10::OptionalType>()->getElementType(), repeat);
    case c10::TypeKind::NumberType: {
      if (value.IsBoolean()) return at::Scalar(value.As<Napi::Boolean>().Value());
      const double number = value.As<Napi::Number>().DoubleValue();
      const auto integer = static_cast<int64_t>(number);
      if (static_cast<double>(integer) == number && std::abs(number) < 9.0e15) return at::Scalar(integer);
      return at::Scalar(number);
    }
    case c10::TypeKind::FloatType:
      return value.As<Napi::Number>().DoubleValue();
    case c10::TypeKind::BoolType:
      return value.As<Napi::Boolean>().Value();
    case c10::TypeKind::StringType:
      return value.As<Napi::String>().Utf8Value();
    case c10::TypeKind::DeviceObjType:
      return c10::Device(value.As<Napi::String>().Utf8Value());
    case c10::TypeKind::ListType: {
      const auto element = type->castRaw<c10::ListType>()->getElementType();
      auto fill = [&](auto&& add) {
        if (value.IsArray()) {
          const auto array = value.As<Napi::Array>();
          for (uint32_t i = 0; i < array.Length(); i++) add(array.Get(i));
        } else {  // one number for a list of fixed length
          for (int32_t i = 0; i < repeat; i++) add(value);
        }
      };
      if (element->kind() == c10::TypeKind::TensorType) {
        c10::List<at::Tensor> list;
        fill([&](const Napi::Value& item) { list.push_back(tensorOf(item)); });
        return list;
      }
      if (element->kind() == c10::TypeKind::OptionalType) {
        c10::List<OptionalTensor> list;
        fill([&](const Napi::Value& item) {
          list.push_back(isNothing(item) ? OptionalTensor() : OptionalTensor(tensorOf(item)));
        });
        return list;
      }
      if (element->kind() == c10::TypeKind::FloatType) {
        c10::List<double> list;
        fill([&](const Napi::Value& item) { list.push_back(item.As<Napi::Number>().DoubleValue()); });
        return list;
      }
      if (element->kind() == c10::TypeKind::BoolType) {
        c10::List<bool> list;
        fill([&](const Napi::Value& item) { list.push_back(item.As<Napi::Boolean>().Value()); });
        return list;
      }
      if (element->kind() == c10::TypeKind::NumberType) {
        c10::List<at::Scalar> list;
        fill([&](const Napi::Value& item) { list.push_back(item.As<Napi::Number>().DoubleValue()); });
        return c10::impl::toList(list);
      }
      c10::List<int64_t> list;
      fill([&](const Napi::Value& item) { list.push_back(item.As<Napi::Number>().Int64Value()); });
      return list;
    }
    case c10::TypeKind::GeneratorType:
      return c10::IValue();
    default:
      return value.As<Napi::Number>().Int64Value();
  }
}

Napi::Value toValue(Napi::Env env, const c10::IValue& value) {
  if (value.isNone()) return env.Null();
  if (value.isTensor()) return handleOf(env, value.toTensor());
  if (value.isBool()) return Napi::Boolean::New(env, value.toBool());
  if (value.isInt()) return Napi::Number::New(env, static_cast<double>(value.toInt()));
  if (value.isDouble()) return Napi::Number::New(env, value.toDouble());
  if (value.isScalar()) return Napi::Number::New(env, value.toScalar().toDouble());
  if (value.isTensorList()) {
    const auto list = value.toTensorVector();
    auto array = Napi::Array::New(env, list.size());
    for (size_t i = 0; i < list.size(); i++) array.Set(static_cast<uint32_t>(i), handleOf(env, list[i]));
    return array;
  }
  TORCH_CHECK(false, "a result of type ", value.tagKind(), " has no JavaScript form");
}

// operator(name, overload) -> number
Napi::Value findOperator(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    const auto name = info[0].As<Napi::String>().Utf8Value();
    const auto overload = info[1].As<Napi::String>().Utf8Value();
    state().operators.push_back(c10::Dispatcher::singleton().findSchemaOrThrow(name.c_str(), overload.c_str()));
    return Napi::Number::New(info.Env(), static_cast<double>(state().operators.size() - 1));
  });
}

// schema(name, overload) -> string | null
Napi::Value schema(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    const c10::OperatorName name(info[0].As<Napi::String>().Utf8Value(), info[1].As<Napi::String>().Utf8Value());
    const auto found = c10::Dispatcher::singleton().findSchema(name);
    if (!found.has_value()) return info.Env().Null();
    std::ostringstream text;
    text << found->schema();
    return Napi::String::New(info.Env(), text.str());
  });
}

// call(operator, arguments) -> tensor number | number | boolean | array | undefined
Napi::Value call(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    const auto index = info[0].As<Napi::Number>().Uint32Value();
    const auto values = info[1].As<Napi::Array>();
    const auto& operation = state().operators.at(index);
    const auto& signature = operation.schema();
    const auto& arguments = signature.arguments();
    TORCH_CHECK(values.Length() <= arguments.size(), "takes ", arguments.size(), " arguments, got ", values.Length());
    torch::jit::Stack stack;
    stack.reserve(arguments.size());
    for (uint32_t i = 0; i < arguments.size(); i++) {
      const Napi::Value value = i < values.Length() ? values.Get(i) : info.Env().Undefined();
      if (value.IsUndefined() && arguments[i].default_value().has_value()) {
        stack.push_back(*arguments[i].default_value());
      } else {
        TORCH_CHECK(!value.IsUndefined(), "argument '", arguments[i].name(), "' is missing");
        stack.push_back(toIValue(value, arguments[i].type(), arguments[i].N().value_or(1)));
      }
    }
    operation.callBoxed(&stack);
    reportMemory(info.Env());
    const auto& returns = signature.returns();
    if (returns.empty() || (returns[0].alias_info() != nullptr && returns[0].alias_info()->isWrite())) {
      return info.Env().Undefined();
    }
    if (returns.size() == 1) return toValue(info.Env(), stack.back());
    auto result = Napi::Array::New(info.Env(), returns.size());
    for (uint32_t i = 0; i < returns.size(); i++) result.Set(i, toValue(info.Env(), stack[i]));
    return result;
  });
}

// fromBytes(bytes, dtype, shape, pinned) -> tensor number; copies, to page-locked memory for CUDA if `pinned`
Napi::Value fromBytes(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    const auto bytes = info[0].As<Napi::Uint8Array>();
    const auto dtype = static_cast<at::ScalarType>(info[1].As<Napi::Number>().Int32Value());
    std::vector<int64_t> shape;
    const auto sizes = info[2].As<Napi::Array>();
    for (uint32_t i = 0; i < sizes.Length(); i++) shape.push_back(sizes.Get(i).As<Napi::Number>().Int64Value());
    const bool pinned = info[3].As<Napi::Boolean>().Value();
    at::Tensor tensor = at::empty(shape, at::TensorOptions().dtype(dtype).pinned_memory(pinned));
    TORCH_CHECK(tensor.nbytes() == bytes.ByteLength(), "the shape takes ", tensor.nbytes(), " bytes, got ",
                bytes.ByteLength());
    if (bytes.ByteLength() > 0) std::memcpy(tensor.data_ptr(), bytes.Data(), bytes.ByteLength());
    reportMemory(info.Env());
    return handleOf(info.Env(), std::move(tensor));
  });
}

// readInto(tensor, bytes): copies elements out, row-major
void readInto(const Napi::CallbackInfo& info) {
  guarded(info, [&]() {
    at::NoGradGuard guard;
    const at::Tensor tensor = tensorOf(info[0]).detach().to(at::kCPU).contiguous();
    auto bytes = info[1].As<Napi::Uint8Array>();
    TORCH_CHECK(tensor.nbytes() == bytes.ByteLength(), "the tensor has ", tensor.nbytes(), " bytes, the buffer ",
                bytes.ByteLength());
    if (bytes.ByteLength() > 0) std::memcpy(bytes.Data(), tensor.data_ptr(), bytes.ByteLength());
  });
}

// describe(tensor) -> { shape, dtype, device, requiresGrad }
Napi::Value describe(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    const at::Tensor& tensor = tensorOf(info[0]);
    auto shape = Napi::Array::New(info.Env(), tensor.dim());
    for (int64_t i = 0; i < tensor.dim(); i++) shape.Set(static_cast<uint32_t>(i), static_cast<double>(tensor.size(i)));
    auto result = Napi::Object::New(info.Env());
    result.Set("shape", shape);
    result.Set("dtype", static_cast<int>(tensor.scalar_type()));
    result.Set("device", tensor.device().str());
    result.Set("requiresGrad", tensor.requires_grad());
    return result;
  });
}

// release(tensors): ignores unknown numbers
void release(const Napi::CallbackInfo& info) {
  const auto ids = info[0].As<Napi::Array>();
  for (uint32_t i = 0; i < ids.Length(); i++) state().tensors.erase(ids.Get(i).As<Napi::Number>().Int64Value());
  reportMemory(info.Env());
}

Napi::Value item(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    return Napi::Number::New(info.Env(), tensorOf(info[0]).item().toDouble());
  });
}

void backward(const Napi::CallbackInfo& info) {
  guarded(info, [&]() {
    torch::autograd::variable_list gradients;
    if (info[1].As<Napi::Number>().Int64Value() != 0) gradients.push_back(tensorOf(info[1]));
    torch::autograd::backward({tensorOf(info[0])}, gradients, info[2].As<Napi::Boolean>().Value());
    reportMemory(info.Env());
  });
}

Napi::Value grad(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value { return handleOf(info.Env(), tensorOf(info[0]).grad()); });
}

void setGrad(const Napi::CallbackInfo& info) {
  guarded(info, [&]() {
    at::Tensor tensor = tensorOf(info[0]);
    tensor.mutable_grad() = info[1].As<Napi::Number>().Int64Value() == 0 ? at::Tensor() : tensorOf(info[1]);
  });
}

void setData(const Napi::CallbackInfo& info) {
  guarded(info, [&]() {
    at::Tensor tensor = tensorOf(info[0]);
    tensor.set_data(tensorOf(info[1]).detach());
    tensor.unsafeGetTensorImpl()->bump_version();  // invalidates what was made of the old numbers
  });
}

void setRequiresGrad(const Napi::CallbackInfo& info) {
  guarded(info, [&]() {
    at::Tensor tensor = tensorOf(info[0]);
    tensor.set_requires_grad(info[1].As<Napi::Boolean>().Value());
  });
}

// setGradMode(on) -> previous mode
Napi::Value setGradMode(const Napi::CallbackInfo& info) {
  const bool before = c10::GradMode::is_enabled();
  c10::GradMode::set_enabled(info[0].As<Napi::Boolean>().Value());
  return Napi::Boolean::New(info.Env(), before);
}

void manualSeed(const Napi::CallbackInfo& info) {
  guarded(info, [&]() { at::manual_seed(static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value())); });
}

// generatorState() -> tensor number of the CPU generator's state, uint8
Napi::Value generatorState(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    return handleOf(info.Env(), at::detail::getDefaultCPUGenerator().get_state());
  });
}

void setGeneratorState(const Napi::CallbackInfo& info) {
  guarded(info, [&]() {
    auto generator = at::detail::getDefaultCPUGenerator();
    generator.set_state(tensorOf(info[0]));
  });
}

void setThreads(const Napi::CallbackInfo& info) {
  guarded(info, [&]() { at::set_num_threads(info[0].As<Napi::Number>().Int32Value()); });
}

// hasLanes(): whether the processor has AVX2
Napi::Value hasLanes(const Napi::CallbackInfo& info) { return Napi::Boolean::New(info.Env(), reclmis::hasLanes()); }

// isLaneMap(tensor): see `maps.h`
Napi::Value isLaneMap(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value { return Napi::Boolean::New(info.Env(), reclmis::isLaneMap(tensorOf(info[0]))); });
}

// setDeterministic(on): reproducible kernels, or an error from operators without one
void setDeterministic(const Napi::CallbackInfo& info) {
  guarded(info, [&]() {
    const bool on = info[0].As<Napi::Boolean>().Value();
    at::globalContext().setDeterministicAlgorithms(on, /*warn_only=*/false);
    at::globalContext().setDeterministicCuDNN(on);
    if (on) at::globalContext().setBenchmarkCuDNN(false);
  });
}

Napi::Value threads(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), at::get_num_threads()); }

int indexOf(const c10::Device& device) { return device.has_index() ? device.index() : 0; }

// memory(device) -> { liveBytes, peakBytes, cachedBytes, handles }
Napi::Value memory(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    const c10::Device device(info[0].As<Napi::String>().Utf8Value());
    const auto statistics = device.is_cuda() ? reclmis::cudaMemoryStatistics(indexOf(device)) : memoryStatistics();
    auto result = Napi::Object::New(info.Env());
    result.Set("liveBytes", static_cast<double>(statistics.live));
    result.Set("peakBytes", static_cast<double>(statistics.peak));
    result.Set("cachedBytes", static_cast<double>(statistics.cached));
    result.Set("handles", static_cast<double>(state().tensors.size()));
    return result;
  });
}

void resetPeak(const Napi::CallbackInfo& info) {
  guarded(info, [&]() {
    const c10::Device device(info[0].As<Napi::String>().Utf8Value());
    if (device.is_cuda()) reclmis::resetCudaPeak(indexOf(device));
    else reclmis::resetPeak();
  });
}

void emptyCache(const Napi::CallbackInfo& info) {
  guarded(info, [&]() {
    reclmis::emptyCache();
    reclmis::emptyCudaCache();
  });
}

// trimHeap(): returns free heap memory to the system
void trimHeap(const Napi::CallbackInfo&) { reclmis::trimHeap(); }

// version() -> { torch, configuration, cudaDevices }
Napi::Value version(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    auto result = Napi::Object::New(info.Env());
    result.Set("torch", std::string(TORCH_VERSION));
    result.Set("configuration", at::show_config());
    result.Set("cudaDevices", static_cast<double>(torch::cuda::device_count()));
    return result;
  });
}

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  reclmis::installAllocator();
  exports.Set("operator", Napi::Function::New(env, findOperator));
  exports.Set("schema", Napi::Function::New(env, schema));
  exports.Set("call", Napi::Function::New(env, call));
  exports.Set("fromBytes", Napi::Function::New(env, fromBytes));
  exports.Set("readInto", Napi::Function::New(env, readInto));
  exports.Set("describe", Napi::Function::New(env, describe));
  exports.Set("release", Napi::Function::New(env, release));
  exports.Set("item", Napi::Function::New(env, item));
  exports.Set("backward", Napi::Function::New(env, backward));
  exports.Set("grad", Napi::Function::New(env, grad));
  exports.Set("setGrad", Napi::Function::New(env, setGrad));
  exports.Set("setData", Napi::Function::New(env, setData));
  exports.Set("setRequiresGrad", Napi::Function::New(env, setRequiresGrad));
  exports.Set("setGradMode", Napi::Function::New(env, setGradMode));
  exports.Set("manualSeed", Napi::Function::New(env, manualSeed));
  exports.Set("generatorState", Napi::Function::New(env, generatorState));
  exports.Set("setGeneratorState", Napi::Function::New(env, setGeneratorState));
  exports.Set("hasLanes", Napi::Function::New(env, hasLanes));
  exports.Set("isLaneMap", Napi::Function::New(env, isLaneMap));
  exports.Set("setDeterministic", Napi::Function::New(env, setDeterministic));
  exports.Set("setThreads", Napi::Function::New(env, setThreads));
  exports.Set("threads", Napi::Function::New(env, threads));
  exports.Set("memory", Napi::Function::New(env, memory));
  exports.Set("resetPeak", Napi::Function::New(env, resetPeak));
  exports.Set("trimHeap", Napi::Function::New(env, trimHeap));
  exports.Set("emptyCache", Napi::Function::New(env, emptyCache));
  exports.Set("version", Napi::Function::New(env, version));
  reclmis::exportDistributed(env, exports);
  reclmis::exportPrecision(env, exports);
  reclmis::exportProfiler(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(reclmis_torch, initialise)

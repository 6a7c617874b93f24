// Data-parallel training with c10d's TCPStore, ProcessGroupGloo (ProcessGroupNCCL with CUDA) and Reducer. Calls
// block until the collective is done or times out. Without gloo's headers (libgloo-dev) only
// `distributedBackends` and `exitNow` remain.
#include "distributed.h"

#include <torch/version.h>
#include <unistd.h>

#if __has_include(<gloo/rendezvous/store.h>) && __has_include(<torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>)
#define RECLMIS_GLOO 1
#ifndef USE_C10D_GLOO
#define USE_C10D_GLOO
#endif
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <torch/csrc/distributed/c10d/reducer.hpp>
#if defined(RECLMIS_CUDA) && __has_include(<nccl.h>) && __has_include(<cublas_v2.h>) && \
    __has_include(<torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>)
#define RECLMIS_NCCL 1
#ifndef USE_C10D_NCCL
#define USE_C10D_NCCL
#endif
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif
#endif

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "guarded.h"
#include "handles.h"

namespace reclmis {
namespace {

// exitNow(status): ends the process from any thread, even if the main one is blocked in a collective
void exitNow(const Napi::CallbackInfo& info) { _exit(info[0].As<Napi::Number>().Int32Value()); }

#ifdef RECLMIS_GLOO

// Before libtorch 2 a group is the backend; later it dispatches to one per kind of device.
#if TORCH_VERSION_MAJOR >= 2
using Base = c10d::Backend;
#else
using Base = c10d::ProcessGroup;
#endif

// Counts bytes given to all-reduce: gradients and batch statistics.
class CountingGloo : public c10d::ProcessGroupGloo {
 public:
  using c10d::ProcessGroupGloo::ProcessGroupGloo;

  c10::intrusive_ptr<c10d::Work> allreduce(std::vector<at::Tensor>& tensors,
                                           const c10d::AllreduceOptions& options) override {
    for (const auto& tensor : tensors) bytes += static_cast<int64_t>(tensor.nbytes());
    return c10d::ProcessGroupGloo::allreduce(tensors, options);
  }

  std::atomic<int64_t> bytes{0};
};

struct Group {
  c10::intrusive_ptr<c10d::Store> store;
  c10::intrusive_ptr<Base> backend;
  c10::intrusive_ptr<c10d::ProcessGroup> group;
  c10::intrusive_ptr<CountingGloo> gloo;          // null on NCCL
  int size = 1;
};

template <typename Item>
class Numbered {
 public:
  int64_t add(Item item) {
    items_.emplace(++last_, std::move(item));
    return last_;
  }
  Item& at(const Napi::Value& value, const char* what) {
    auto found = items_.find(value.As<Napi::Number>().Int64Value());
    TORCH_CHECK(found != items_.end(), what, " is closed");
    return found->second;
  }
  void remove(const Napi::Value& value) { items_.erase(value.As<Napi::Number>().Int64Value()); }

 private:
  std::unordered_map<int64_t, Item> items_;
  int64_t last_ = 0;
};

auto& stores() {
  static auto* all = new Numbered<c10::intrusive_ptr<c10d::TCPStore>>();
  return *all;
}
auto& groups() {
  static auto* all = new Numbered<std::shared_ptr<Group>>();
  return *all;
}

std::chrono::milliseconds milliseconds(const Napi::Value& value) {
  return std::chrono::milliseconds(value.As<Napi::Number>().Int64Value());
}

std::string text(const Napi::Value& value) { return value.As<Napi::String>().Utf8Value(); }

// storeOpen(host, port, isServer, timeoutMs) -> { store, port }
Napi::Value storeOpen(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    c10d::TCPStoreOptions options;
    options.port = static_cast<uint16_t>(info[1].As<Napi::Number>().Uint32Value());
    options.isServer = info[2].As<Napi::Boolean>().Value();
    options.waitWorkers = false;
    options.timeout = milliseconds(info[3]);
    auto store = c10::make_intrusive<c10d::TCPStore>(text(info[0]), options);
    auto result = Napi::Object::New(info.Env());
    result.Set("port", static_cast<double>(store->getPort()));
    result.Set("store", static_cast<double>(stores().add(store)));
    return result;
  });
}

void storeSet(const Napi::CallbackInfo& info) {
  guarded(info, [&]() {
    const auto bytes = info[2].As<Napi::Uint8Array>();
    stores().at(info[0], "the store")->set(text(info[1]), std::vector<uint8_t>(bytes.Data(), bytes.Data() + bytes.ByteLength()));
  });
}

// storeGet(store, key, timeoutMs) -> bytes; waits for the key
Napi::Value storeGet(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    auto& store = stores().at(info[0], "the store");
    store->wait({text(info[1])}, milliseconds(info[2]));
    const auto bytes = store->get(text(info[1]));
    auto result = Napi::Uint8Array::New(info.Env(), bytes.size());
    std::memcpy(result.Data(), bytes.data(), bytes.size());
    return result;
  });
}

void storeClose(const Napi::CallbackInfo& info) {
  guarded(info, [&]() { stores().remove(info[0]); });
}

// groupOpen(store, rank, size, backend, address, timeoutMs) -> group; `address`: local end of gloo's
// connections
Napi::Value groupOpen(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    auto result = std::make_shared<Group>();
    result->store = stores().at(info[0], "the store");
    const int rank = info[1].As<Napi::Number>().Int32Value();
    result->size = info[2].As<Napi::Number>().Int32Value();
    const auto backend = text(info[3]);
    if (backend == "nccl") {
#ifdef RECLMIS_NCCL
      auto options = c10d::ProcessGroupNCCL::Options::create();
      options->timeout = milliseconds(info[5]);
      result->backend = c10::make_intrusive<c10d::ProcessGroupNCCL>(result->store, rank, result->size, options);
#else
      TORCH_CHECK(false, "this build has no NCCL");
#endif
    } else {
      auto options = c10d::ProcessGroupGloo::Options::create(milliseconds(info[5]));
      options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname(text(info[4])));
      options->threads = 2;
      result->gloo = c10::make_intrusive<CountingGloo>(result->store, rank, result->size, options);
      result->backend = result->gloo;
    }
#if TORCH_VERSION_MAJOR >= 2
    result->group = c10::make_intrusive<c10d::ProcessGroup>(result->store, rank, result->size);
    const bool nccl = backend == "nccl";
    result->group->setBackend(nccl ? c10::DeviceType::CUDA : c10::DeviceType::CPU,
                              nccl ? c10d::ProcessGroup::BackendType::NCCL : c10d::ProcessGroup::BackendType::GLOO,
                              result->backend);
#else
    result->group = result->backend;
#endif
    return Napi::Number::New(info.Env(), static_cast<double>(groups().add(result)));
  });
}

void groupClose(const Napi::CallbackInfo& info) {
  guarded(info, [&]() { groups().remove(info[0]); });
}

c10d::ReduceOp reduceOp(const std::string& name) {
  if (name == "max") return c10d::ReduceOp::MAX;
  return c10d::ReduceOp::SUM;
}

void requireDense(const at::Tensor& tensor) {
  TORCH_CHECK(tensor.is_contiguous(), "collectives take contiguous tensors, got strides ", tensor.strides());
}

void reduceInPlace(Group& group, at::Tensor tensor, c10d::ReduceOp op) {
  requireDense(tensor);
  std::vector<at::Tensor> tensors{tensor.detach()};
  c10d::AllreduceOptions options;
  options.reduceOp = op;
  group.backend->allreduce(tensors, options)->wait();
}

// groupAllReduce(group, tensor, op): in place
void groupAllReduce(const Napi::CallbackInfo& info) {
  guarded(info, [&]() { reduceInPlace(*groups().at(info[0], "the group"), tensorOf(info[1]), reduceOp(text(info[2]))); });
}

void groupBroadcast(const Napi::CallbackInfo& info) {
  guarded(info, [&]() {
    auto group = groups().at(info[0], "the group");
    requireDense(tensorOf(info[1]));
    std::vector<at::Tensor> tensors{tensorOf(info[1]).detach()};
    c10d::BroadcastOptions options;
    options.rootRank = info[2].As<Napi::Number>().Int32Value();
    group->backend->broadcast(tensors, options)->wait();
  });
}

// groupAllGather(group, tensor) -> tensors by rank; all of the same shape
Napi::Value groupAllGather(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    auto group = groups().at(info[0], "the group");
    std::vector<at::Tensor> inputs{tensorOf(info[1]).detach().contiguous()};
    std::vector<std::vector<at::Tensor>> outputs(1);
    for (int i = 0; i < group->size; i++) outputs[0].push_back(at::empty_like(inputs[0]));
    group->backend->allgather(outputs, inputs)->wait();
    auto array = Napi::Array::New(info.Env(), outputs[0].size());
    for (size_t i = 0; i < outputs[0].size(); i++)
      array.Set(static_cast<uint32_t>(i), handleOf(info.Env(), outputs[0][i]));
    return array;
  });
}

void groupBarrier(const Napi::CallbackInfo& info) {
  guarded(info, [&]() { groups().at(info[0], "the group")->backend->barrier()->wait(); });
}

// groupBytes(group) -> bytes all-reduced so far; -1 if not counted
Napi::Value groupBytes(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    auto group = groups().at(info[0], "the group");
    return Napi::Number::New(info.Env(), group->gloo ? static_cast<double>(group->gloo->bytes.load()) : -1);
  });
}

// y = sum of x over the ranks. Each rank's loss depends on every x, so its gradient is the sum of all.
struct SumOverRanks : torch::autograd::Function<SumOverRanks> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, int64_t group) {
    context->saved_data["group"] = group;
    auto result = x.clone(at::MemoryFormat::Contiguous);
    reduceInPlace(*reinterpret_cast<Group*>(group), result, c10d::ReduceOp::SUM);
    return result;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    auto result = gradients[0].clone(at::MemoryFormat::Contiguous);
    reduceInPlace(*reinterpret_cast<Group*>(context->saved_data["group"].toInt()), result, c10d::ReduceOp::SUM);
    return {result, at::Tensor()};
  }
};

// groupSum(group, tensor) -> tensor; differentiable. The group must outlive the graph.
Napi::Value groupSum(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    auto* group = groups().at(info[0], "the group").get();
    return handleOf(info.Env(), SumOverRanks::apply(tensorOf(info[1]), reinterpret_cast<int64_t>(group)));
  });
}

struct Buckets {
  std::vector<std::vector<size_t>> indices;
  std::vector<size_t> limits;
  int64_t first;
  int64_t cap;
};

// Releases differ: 1.13 takes bucket limits, later ones two more choices, 2.13 also a list of limits for
// refilling buckets (empty: `first`, then `cap`). A template, so that non-matching calls are not compiled.
template <typename Reducer>
std::shared_ptr<Reducer> makeReducer(const std::vector<at::Tensor>& parameters, const Buckets& buckets,
                                     const c10::intrusive_ptr<c10d::ProcessGroup>& group, const std::vector<bool>& sparse, bool someUnused) {
  using Parameters = std::vector<at::Tensor>;
  using Indices = std::vector<std::vector<size_t>>;
  using Limits = std::vector<size_t>;
  using ProcessGroup = c10::intrusive_ptr<c10d::ProcessGroup>;
  using Sparse = std::vector<bool>;
  using Names = std::unordered_map<size_t, std::string>;
  const auto& [indices, limits, first, cap] = buckets;
  constexpr bool asViews = false;
  if constexpr (std::is_constructible_v<Reducer, Parameters, Indices, Limits, ProcessGroup, Sparse, int64_t, bool, bool, Names, int64_t>)
    return std::make_shared<Reducer>(parameters, indices, limits, group, sparse, cap, someUnused, asViews, Names(), first);
  else if constexpr (std::is_constructible_v<Reducer, Parameters, Indices, Limits, ProcessGroup, Sparse, int64_t, bool, bool, Names, int64_t, bool, bool>)
    return std::make_shared<Reducer>(parameters, indices, limits, group, sparse, cap, someUnused, asViews, Names(), first, false, false);
  else
    return std::make_shared<Reducer>(parameters, indices, group, sparse, cap, someUnused, asViews, Names(), first, false, false,
                                     std::vector<int64_t>());
}

// The reducer compares strides of gradient and parameter even in sides of length 1, where oneDNN's backward
// convolution in bfloat16 gives others ([4,1,4,4] for a [1,4,1,1] weight). A hook sets the parameter's strides
// on the same memory.
class StrideHooks {
 public:
  explicit StrideHooks(const std::vector<at::Tensor>& parameters) {
    for (const auto& parameter : parameters) {
      const auto sizes = parameter.sizes();
      if (std::find(sizes.begin(), sizes.end(), 1) == sizes.end()) continue;
      const auto strides = parameter.strides().vec();
      const auto hook = parameter.register_hook([strides](const at::Tensor& gradient) {
        return differInSidesOf1(gradient, strides) ? gradient.as_strided(gradient.sizes(), strides) : gradient;
      });
      hooks_.emplace_back(parameter, hook);
    }
  }
  StrideHooks(const StrideHooks&) = delete;
  StrideHooks& operator=(const StrideHooks&) = delete;
  ~StrideHooks() {
    for (auto& [parameter, hook] : hooks_) parameter.remove_hook(hook);
  }

 private:
  static bool differInSidesOf1(const at::Tensor& gradient, const std::vector<int64_t>& strides) {
    if (!gradient.defined() || gradient.layout() != at::kStrided || gradient.dim() != static_cast<int64_t>(strides.size())) return false;
    bool differ = false;
    for (int64_t d = 0; d < gradient.dim(); d++) {
      if (gradient.stride(d) == strides[static_cast<size_t>(d)]) continue;
      if (gradient.size(d) != 1) return false;
      differ = true;
    }
    return differ;
  }

  std::vector<std::pair<at::Tensor, unsigned>> hooks_;
};

struct OpenReducer {
  OpenReducer(const std::vector<at::Tensor>& parameters, std::shared_ptr<c10d::Reducer> made)
      : hooks(parameters), reducer(std::move(made)) {}

  StrideHooks hooks;
  std::shared_ptr<c10d::Reducer> reducer;
};

auto& reducers() {
  static auto* all = new Numbered<std::shared_ptr<OpenReducer>>();
  return *all;
}

// reducerOpen(group, parameters, firstBucketBytes, bucketBytes, someUnused) -> reducer; buckets fill in
// reverse order of the parameters, as gradients become ready
Napi::Value reducerOpen(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    auto group = groups().at(info[0], "the group");
    const auto list = info[1].As<Napi::Array>();
    std::vector<at::Tensor> parameters;
    for (uint32_t i = 0; i < list.Length(); i++) parameters.push_back(tensorOf(list.Get(i)));
    const auto first = static_cast<size_t>(info[2].As<Napi::Number>().Int64Value());
    const auto cap = static_cast<size_t>(info[3].As<Napi::Number>().Int64Value());
    const std::vector<bool> sparse(parameters.size(), false);
    const std::vector<at::Tensor> reversed(parameters.rbegin(), parameters.rend());
    auto [buckets, limits] = c10d::compute_bucket_assignment_by_size(reversed, {first, cap}, sparse);
    for (auto& bucket : buckets)
      for (auto& index : bucket) index = parameters.size() - 1 - index;
    const Buckets parted{buckets, limits, static_cast<int64_t>(first), static_cast<int64_t>(cap)};
    auto reducer = makeReducer<c10d::Reducer>(parameters, parted, group->group, sparse, info[4].As<Napi::Boolean>().Value());
    auto open = std::make_shared<OpenReducer>(parameters, std::move(reducer));
    return Napi::Number::New(info.Env(), static_cast<double>(reducers().add(std::move(open))));
  });
}

// reducerPrepare(reducer, loss): the next backward pass averages gradients over the ranks
void reducerPrepare(const Napi::CallbackInfo& info) {
  guarded(info, [&]() {
    auto& reducer = reducers().at(info[0], "the reducer")->reducer;
    reducer->prepare_for_forward();
    if (reducer->should_rebuild_buckets()) reducer->rebuild_buckets();
    reducer->prepare_for_backward({tensorOf(info[1])});
  });
}

void reducerClose(const Napi::CallbackInfo& info) {
  guarded(info, [&]() { reducers().remove(info[0]); });
}

#endif  // RECLMIS_GLOO

// distributedBackends() -> names of this build's backends
Napi::Value distributedBackends(const Napi::CallbackInfo& info) {
  auto names = Napi::Array::New(info.Env());
#ifdef RECLMIS_GLOO
  names.Set(0u, "gloo");
#ifdef RECLMIS_NCCL
  names.Set(1u, "nccl");
#endif
#endif
  return names;
}

}  // namespace

void exportDistributed(Napi::Env env, Napi::Object exports) {
  exports.Set("exitNow", Napi::Function::New(env, exitNow));
  exports.Set("distributedBackends", Napi::Function::New(env, distributedBackends));
#ifdef RECLMIS_GLOO
  exports.Set("storeOpen", Napi::Function::New(env, storeOpen));
  exports.Set("storeSet", Napi::Function::New(env, storeSet));
  exports.Set("storeGet", Napi::Function::New(env, storeGet));
  exports.Set("storeClose", Napi::Function::New(env, storeClose));
  exports.Set("groupOpen", Napi::Function::New(env, groupOpen));
  exports.Set("groupClose", Napi::Function::New(env, groupClose));
  exports.Set("groupAllReduce", Napi::Function::New(env, groupAllReduce));
  exports.Set("groupBroadcast", Napi::Function::New(env, groupBroadcast));
  exports.Set("groupAllGather", Napi::Function::New(env, groupAllGather));
  exports.Set("groupBarrier", Napi::Function::New(env, groupBarrier));
  exports.Set("groupBytes", Napi::Function::New(env, groupBytes));
  exports.Set("groupSum", Napi::Function::New(env, groupSum));
  exports.Set("reducerOpen", Napi::Function::New(env, reducerOpen));
  exports.Set("reducerPrepare", Napi::Function::New(env, reducerPrepare));
  exports.Set("reducerClose", Napi::Function::New(env, reducerClose));
#endif
}

}  // namespace reclmis

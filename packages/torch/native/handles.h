// Access to the tensors behind JavaScript's numbers (addon.cc). Main thread only.
#pragma once
#include <ATen/core/Tensor.h>
#include <napi.h>

namespace reclmis {

// Throws for unknown and disposed numbers.
const at::Tensor& tensorOf(const Napi::Value& value);

// Returns 0 for an undefined tensor.
Napi::Value handleOf(Napi::Env env, at::Tensor tensor);

}  // namespace reclmis

// How the addon's other files reach the tensors behind JavaScript's numbers; defined in addon.cc. For the main thread only.
#pragma once
#include <ATen/core/Tensor.h>
#include <napi.h>

namespace reclmis {

// The tensor of a number. Throws for one that is unknown or was disposed of.
const at::Tensor& tensorOf(const Napi::Value& value);

// A new number for a tensor; 0 for an undefined one.
Napi::Value handleOf(Napi::Env env, at::Tensor tensor);

}  // namespace reclmis

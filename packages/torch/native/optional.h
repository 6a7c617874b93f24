#pragma once

#include <ATen/core/Tensor.h>
#include <torch/version.h>

namespace reclmis {

// libtorch 2.4 replaced its own optional by the standard one.
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
using OptionalTensor = std::optional<at::Tensor>;
#else
using OptionalTensor = c10::optional<at::Tensor>;
#endif

}  // namespace reclmis

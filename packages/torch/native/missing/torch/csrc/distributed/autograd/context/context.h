// Stands in for libtorch's header of the same name where the distribution does not install it (Debian 12), although c10d/reducer.hpp, which it
// does install, includes it. The reducer holds a shared pointer to this class and never looks inside here; searched after all other folders.
#pragma once
#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>

namespace torch {
namespace distributed {
namespace autograd {

class DistAutogradContext {
 public:
  using GradCallback = std::function<bool(at::Tensor&)>;
};
using ContextPtr = std::shared_ptr<DistAutogradContext>;

}  // namespace autograd
}  // namespace distributed
}  // namespace torch

// GELU, x / 2 (1 + erf(x / sqrt 2)), in one pass for float32, with its gradient (Hendrycks and Gimpel 2016):
//
//   reclmis::gelu(input) -> of the same shape and strides
//
// The backward pass reads input and gradient once and keeps neither of the function's parts. A number's result depends on it
// alone, so results do not depend on the number of threads.
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>
#include <limits>

#include "maps.h"

#ifdef RECLMIS_LANES
#pragma GCC push_options
#pragma GCC target("avx2,fma")

namespace {

using reclmis::operatorOf;
#include "vector8.h"
#include "products.h"
#include "attention_kernels.h"
#include "gelu_kernels.h"

constexpr int64_t kGrain = 1 << 14;

// probability + x times the normal density
inline Vector slope(Vector x) {
  const Vector density = multiply(exponential(multiply(multiply(x, x), same(-0.5F))), same(0.39894228F));
  return multiplyAdd(x, density, probability(x));
}

// Calls body(place) for whole lanes, and body with copies for the rest.
template <typename Body>
void overLanes(int64_t count, const float* first, const float* second, float* to, const Body& body) {
  at::parallel_for(0, (count + kLanes - 1) / kLanes, kGrain / kLanes, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin * kLanes; i < end * kLanes; i += kLanes) {
      if (i + kLanes <= count) {
        store(to + i, body(load(first + i), load(second + i)));
        continue;
      }
      float a[kLanes] = {}, b[kLanes] = {}, c[kLanes];
      std::copy(first + i, first + count, a);
      std::copy(second + i, second + count, b);
      store(c, body(load(a), load(b)));
      std::copy_n(c, count - i, to + i);
    }
  });
}

void check(const at::Tensor& x) {
  TORCH_CHECK(reclmis::hasLanes() && x.device().is_cpu() && x.scalar_type() == at::kFloat, "gelu takes float32 on a CPU with AVX2");
}

at::Tensor forwardPass(const at::Tensor& input) {
  check(input);
  const at::Tensor x = input.is_non_overlapping_and_dense() ? input : input.contiguous();
  at::Tensor result = at::empty_like(x);
  const float* from = x.data_ptr<float>();
  overLanes(x.numel(), from, from, result.data_ptr<float>(), [](Vector a, Vector) { return gelu(a); });
  return result;
}

at::Tensor backwardPass(const at::Tensor& gradient, const at::Tensor& input) {
  check(input);
  TORCH_CHECK(gradient.scalar_type() == at::kFloat && gradient.sizes() == input.sizes(), "gelu_backward: a float32 gradient of the input's shape");
  const at::Tensor x = input.is_non_overlapping_and_dense() ? input : input.contiguous();
  at::Tensor result = at::empty_like(x);
  const at::Tensor dy = gradient.strides() == result.strides() ? gradient : at::empty_like(x).copy_(gradient);
  overLanes(x.numel(), x.data_ptr<float>(), dy.data_ptr<float>(), result.data_ptr<float>(), [](Vector a, Vector b) { return multiply(b, slope(a)); });
  return result;
}

class Gelu : public torch::autograd::Function<Gelu> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& input) {
    static const auto op = operatorOf<decltype(forwardPass)>("reclmis::gelu_forward");
    at::AutoDispatchBelowADInplaceOrView below;
    context->save_for_backward({input});
    return op.call(input);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, torch::autograd::variable_list gradients) {
    static const auto op = operatorOf<decltype(backwardPass)>("reclmis::gelu_backward");
    at::AutoDispatchBelowADInplaceOrView below;
    return {op.call(gradients[0], context->get_saved_variables()[0])};
  }
};

at::Tensor geluWithGradient(const at::Tensor& input) { return Gelu::apply(input); }

}  // namespace

#pragma GCC pop_options

TORCH_LIBRARY_FRAGMENT(reclmis, library) {
  library.def("gelu(Tensor input) -> Tensor");
  library.def("gelu_forward(Tensor input) -> Tensor");
  library.def("gelu_backward(Tensor gradient, Tensor input) -> Tensor");
}

TORCH_LIBRARY_IMPL(reclmis, CPU, library) {
  library.impl("gelu_forward", forwardPass);
  library.impl("gelu_backward", backwardPass);
}

TORCH_LIBRARY_IMPL(reclmis, Autograd, library) { library.impl("gelu", geluWithGradient); }
#endif

// Inverted dropout for float32 and bfloat16:
//
//   reclmis::dropout(input, p) -> each element is zero with probability p, otherwise divided by 1 - p
//
// Each call draws one 64-bit seed from libtorch's generator; the i-th output of Philox4x32-10 (Salmon et al.,
// SC 2011) decides element i. The backward pass repeats the decisions instead of keeping a mask; results do not
// depend on the number of threads.
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>

#include "maps.h"
#include "philox.h"

#ifdef RECLMIS_LANES
#pragma GCC push_options
#pragma GCC target("avx2,fma")

namespace {

using namespace reclmis;

constexpr int64_t kGrain = 1 << 14;

template <typename T>
inline void thin(const T* from, const __m256i* numbers, const Thinning& thinning, T* to) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) store(to + i * kLanes, thinning.of(load(from + i * kLanes), numbers[i]));
}

at::Tensor seededDropout(const at::Tensor& input, double p, int64_t seed) {
  TORCH_CHECK(hasLanes() && input.device().is_cpu(), "dropout runs on a CPU with AVX2");
  TORCH_CHECK(input.scalar_type() == at::kFloat || input.scalar_type() == at::kBFloat16, "dropout takes float32 and bfloat16");
  TORCH_CHECK(p >= 0 && p <= 1, "dropout: a probability, got ", p);
  const Thinning thinning(p);
  if (thinning.everything) return at::zeros_like(input, at::MemoryFormat::Contiguous);
  const at::Tensor x = input.contiguous();
  at::Tensor result = at::empty_like(x);
  const int64_t count = x.numel(), whole = count / kGroup;
  const auto key = static_cast<uint64_t>(seed);
  byType(x.scalar_type(), [&](auto zero) {
    using T = decltype(zero);
    const T* from = x.data_ptr<T>();
    T* to = result.data_ptr<T>();
    at::parallel_for(0, whole, kGrain / kGroup, [&](int64_t begin, int64_t end) {
      __m256i numbers[4];
      for (int64_t group = begin; group < end; group++) {
        philox(key, static_cast<uint64_t>(group), numbers);
        thin(from + group * kGroup, numbers, thinning, to + group * kGroup);
      }
    });
    if (whole * kGroup < count) {
      const int64_t first = whole * kGroup;
      T some[kGroup] = {}, thinned[kGroup];
      std::copy(from + first, from + count, some);
      __m256i numbers[4];
      philox(key, static_cast<uint64_t>(whole), numbers);
      thin(some, numbers, thinning, thinned);
      std::copy_n(thinned, count - first, to + first);
    }
  });
  return result;
}

class Dropout : public torch::autograd::Function<Dropout> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& input, double p, int64_t seed) {
    context->saved_data["p"] = p;
    context->saved_data["seed"] = seed;
    return thinned(input, p, seed);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const at::Tensor dx = thinned(gradients[0], context->saved_data["p"].toDouble(), context->saved_data["seed"].toInt());
    return {dx, at::Tensor(), at::Tensor()};
  }

 private:
  static at::Tensor thinned(const at::Tensor& x, double p, int64_t seed) {
    static const auto op = operatorOf<decltype(seededDropout)>("reclmis::seeded_dropout");
    at::AutoDispatchBelowADInplaceOrView below;
    return op.call(x, p, seed);
  }
};

at::Tensor dropout(const at::Tensor& input, double p) {
  return Dropout::apply(input, p, drawnSeed());
}

}  // namespace

#pragma GCC pop_options

TORCH_LIBRARY_FRAGMENT(reclmis, library) {
  library.def("dropout(Tensor input, float p) -> Tensor");
  library.def("seeded_dropout(Tensor input, float p, int seed) -> Tensor");
}

TORCH_LIBRARY_IMPL(reclmis, CPU, library) { library.impl("seeded_dropout", seededDropout); }
TORCH_LIBRARY_IMPL(reclmis, Autograd, library) { library.impl("dropout", dropout); }
#endif

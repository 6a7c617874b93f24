// Dropout in its inverted form, for float32 and bfloat16 of any shape:
//   reclmis::dropout(input, p) -> input with each element set to zero with probability p, the others divided by 1 - p
// A call draws one 64-bit seed from libtorch's generator; element i is decided by the i-th output of a generator by counters under that seed,
// Philox4x32-10 (Salmon et al., SC 2011). The backward pass makes the same decisions again instead of keeping a mask, and the
// bits do not depend on the number of threads.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <mutex>

#include "maps.h"

#ifdef RECLMIS_LANES
#pragma GCC push_options
#pragma GCC target("avx2,fma")

namespace {

using namespace reclmis;

constexpr int64_t kGroup = 32;       // elements of eight counters: each gives four numbers of 32 bits
constexpr int64_t kGrain = 1 << 14;  // groups that are worth a thread, in elements

struct Words {
  __m256i low, high;
};

// 32-bit products of eight lanes, as their lower and upper halves.
inline Words product(__m256i a, __m256i factor) {
  const __m256i even = _mm256_mul_epu32(a, factor), odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), factor);
  return {_mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa), _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa)};
}

// The numbers of the eight counters that begin at 8 group; out[i] holds the i-th of each.
inline void philox(uint64_t seed, uint64_t group, __m256i* out) {
  const __m256i m0 = _mm256_set1_epi32(static_cast<int>(0xD2511F53)), m1 = _mm256_set1_epi32(static_cast<int>(0xCD9E8D57));
  const uint64_t first = group * kLanes;  // a multiple of 8: the lanes do not carry into the upper half
  __m256i c0 = _mm256_add_epi32(_mm256_set1_epi32(static_cast<int>(first)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  __m256i c1 = _mm256_set1_epi32(static_cast<int>(first >> 32)), c2 = _mm256_setzero_si256(), c3 = _mm256_setzero_si256();
  auto k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; round++) {
    const Words a = product(c0, m0), b = product(c2, m1);
    c0 = _mm256_xor_si256(_mm256_xor_si256(b.high, c1), _mm256_set1_epi32(static_cast<int>(k0)));
    c1 = b.low;
    c2 = _mm256_xor_si256(_mm256_xor_si256(a.high, c3), _mm256_set1_epi32(static_cast<int>(k1)));
    c3 = a.low;
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

// Elements of a group from its numbers; those below the limit become zero.
template <typename T>
inline void thin(const T* from, const __m256i* numbers, __m256i limit, Lanes scale, T* to) {
  const __m256i sign = _mm256_set1_epi32(INT32_MIN);  // the processor compares signed numbers only
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    const __m256i dropped = _mm256_cmpgt_epi32(limit, _mm256_xor_si256(numbers[i], sign));
    store(to + i * kLanes, _mm256_andnot_ps(_mm256_castsi256_ps(dropped), _mm256_mul_ps(load(from + i * kLanes), scale)));
  }
}

at::Tensor seededDropout(const at::Tensor& input, double p, int64_t seed) {
  TORCH_CHECK(hasLanes() && input.device().is_cpu(), "dropout runs on a CPU with AVX2");
  TORCH_CHECK(input.scalar_type() == at::kFloat || input.scalar_type() == at::kBFloat16, "dropout takes float32 and bfloat16");
  TORCH_CHECK(p >= 0 && p <= 1, "dropout: a probability, got ", p);
  // All 2^32 numbers lie below a limit of 2^32, which no number of 32 bits is.
  const double limit = std::nearbyint(std::ldexp(p, 32));
  if (limit >= std::ldexp(1.0, 32)) return at::zeros_like(input, at::MemoryFormat::Contiguous);
  const at::Tensor x = input.contiguous();
  at::Tensor result = at::empty_like(x);
  const int64_t count = x.numel(), whole = count / kGroup;
  const __m256i bound = _mm256_set1_epi32(static_cast<int>(static_cast<uint32_t>(limit) ^ 0x80000000U));
  const Lanes scale = all(static_cast<float>(1 / (1 - p)));
  const auto key = static_cast<uint64_t>(seed);
  byType(x.scalar_type(), [&](auto zero) {
    using T = decltype(zero);
    const T* from = x.data_ptr<T>();
    T* to = result.data_ptr<T>();
    at::parallel_for(0, whole, kGrain / kGroup, [&](int64_t begin, int64_t end) {
      __m256i numbers[4];
      for (int64_t group = begin; group < end; group++) {
        philox(key, static_cast<uint64_t>(group), numbers);
        thin(from + group * kGroup, numbers, bound, scale, to + group * kGroup);
      }
    });
    if (whole * kGroup < count) {
      const int64_t first = whole * kGroup;
      T some[kGroup] = {}, thinned[kGroup];
      std::copy(from + first, from + count, some);
      __m256i numbers[4];
      philox(key, static_cast<uint64_t>(whole), numbers);
      thin(some, numbers, bound, scale, thinned);
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

  // Linear in the input: the gradient goes the same way.
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
  const at::Generator generator = at::detail::getDefaultCPUGenerator();
  auto* source = at::check_generator<at::CPUGeneratorImpl>(generator);
  const auto seed = [&] {
    const std::lock_guard<std::mutex> lock(source->mutex_);
    return static_cast<int64_t>(source->random64());
  }();
  return Dropout::apply(input, p, seed);
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

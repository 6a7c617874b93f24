// Winograd's kernels with AVX2 and FMA: eight channels a vector, sixteen registers.
#include "winograd.h"

#ifdef RECLMIS_LANES
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <immintrin.h>

#include <algorithm>

#pragma GCC push_options
#pragma GCC target("avx2,fma")

namespace {

using reclmis::load;
using reclmis::store;
using Vector = reclmis::Lanes;
constexpr int64_t kRows = 6;  // tiles that a product takes at a time: 12 sums in registers
constexpr int64_t kFew = 2;   // and where fewer are left
constexpr int64_t kSums = 4;  // inputs of a block of the weights' gradient

inline Vector zero() { return _mm256_setzero_ps(); }
inline Vector same(float a) { return _mm256_set1_ps(a); }
// Four lanes, and the other four `apart` further on.
inline void storeHalves(float* to, int64_t apart, Vector a) {
  _mm_storeu_ps(to, _mm256_castps256_ps128(a));
  _mm_storeu_ps(to + apart, _mm256_extractf128_ps(a, 1));
}
inline Vector add(Vector a, Vector b) { return _mm256_add_ps(a, b); }
inline Vector subtract(Vector a, Vector b) { return _mm256_sub_ps(a, b); }
inline Vector multiply(Vector a, Vector b) { return _mm256_mul_ps(a, b); }
// a b + c
inline Vector multiplyAdd(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }

#include "winograd_kernels.h"

}  // namespace

namespace reclmis::winograd {

template <>
Kernels<float> kernelsOf8<float>() {
  return {convolve<float>, weightGradient<float>};
}
template <>
Kernels<c10::BFloat16> kernelsOf8<c10::BFloat16>() {
  return {convolve<c10::BFloat16>, weightGradient<c10::BFloat16>};
}

}  // namespace reclmis::winograd

#pragma GCC pop_options
#endif

// Winograd's kernels with AVX2 and FMA: eight channels a vector, sixteen registers.
#include "winograd.h"

#ifdef RECLMIS_WINOGRAD
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <immintrin.h>

#include <algorithm>

#pragma GCC push_options
#pragma GCC target("avx2,fma")

namespace {

using Vector = __m256;
constexpr int64_t kRows = 6;  // tiles that a product takes at a time: 12 sums in registers
constexpr int64_t kFew = 2;   // and where fewer are left
constexpr int64_t kSums = 4;  // inputs of a block of the weights' gradient

inline Vector zero() { return _mm256_setzero_ps(); }
inline Vector same(float a) { return _mm256_set1_ps(a); }
inline Vector load(const float* from) { return _mm256_loadu_ps(from); }
inline Vector load(const c10::BFloat16* from) {
  return _mm256_castsi256_ps(
      _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))), 16));
}
inline void store(float* to, Vector a) { _mm256_storeu_ps(to, a); }
// Four lanes, and the other four `apart` further on.
inline void storeHalves(float* to, int64_t apart, Vector a) {
  _mm_storeu_ps(to, _mm256_castps256_ps128(a));
  _mm_storeu_ps(to + apart, _mm256_extractf128_ps(a, 1));
}
// Rounds to the nearest, ties to even.
inline void store(c10::BFloat16* to, Vector a) {
  const __m256i bits = _mm256_castps_si256(a);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_srli_epi32(_mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), odd), 16);
  const __m256i missing = _mm256_castps_si256(_mm256_cmp_ps(a, a, _CMP_UNORD_Q));
  const __m256i words = _mm256_blendv_epi8(rounded, _mm256_set1_epi32(0x7fc0), missing);
  const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(words, words), 0x08);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(packed));
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

// Vectors of AVX2 and FMA for `products.h`, `winograd_kernels.h` and `convolution_kernels.h`: eight floats, sixteen registers.
// Included in an anonymous namespace compiled for AVX2; hence no `#pragma once`.

using reclmis::load;
using reclmis::store;
using Vector = reclmis::Lanes;
constexpr int64_t kRows = 6;  // tiles per product: 12 sums in registers
constexpr int64_t kFew = 2;
constexpr int64_t kSums = 4;  // rows per block of a sum over tiles or pixels

inline Vector zero() { return _mm256_setzero_ps(); }
inline Vector same(float a) { return _mm256_set1_ps(a); }
inline void storeHalves(float* to, int64_t apart, Vector a) {
  _mm_storeu_ps(to, _mm256_castps256_ps128(a));
  _mm_storeu_ps(to + apart, _mm256_extractf128_ps(a, 1));
}
inline Vector add(Vector a, Vector b) { return _mm256_add_ps(a, b); }
inline Vector subtract(Vector a, Vector b) { return _mm256_sub_ps(a, b); }
inline Vector multiply(Vector a, Vector b) { return _mm256_mul_ps(a, b); }
// a b + c
inline Vector multiplyAdd(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
inline Vector largest(Vector a, Vector b) { return _mm256_max_ps(a, b); }  // b if either is NaN
inline Vector smallest(Vector a, Vector b) { return _mm256_min_ps(a, b); }
inline Vector divide(Vector a, Vector b) { return _mm256_div_ps(a, b); }

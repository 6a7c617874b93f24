// Vectors of AVX2 and FMA, eight floats and sixteen registers, as `products.h` and `winograd_kernels.h` want them. Included inside an anonymous namespace
// that is compiled for AVX2, so there is no `#pragma once`.

using reclmis::load;
using reclmis::store;
using Vector = reclmis::Lanes;
constexpr int64_t kRows = 6;  // tiles that a product takes at a time: 12 sums in registers
constexpr int64_t kFew = 2;   // and where fewer are left
constexpr int64_t kSums = 4;  // rows of a block of a sum over tiles or pixels

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

// Vectors of AVX-512 F, BW, DQ and VL for `products.h`, `winograd_kernels.h` and `convolution_kernels.h`: sixteen
// floats, thirty-two registers. Included in an anonymous namespace compiled for AVX-512; hence no `#pragma once`.

using Vector = __m512;
constexpr int64_t kRows = 12;  // tiles per product: 24 sums in registers
constexpr int64_t kFew = 4;
constexpr int64_t kSums = 8;   // inputs per block of the weights' gradient

inline Vector zero() { return _mm512_setzero_ps(); }
inline Vector same(float a) { return _mm512_set1_ps(a); }
inline Vector load(const float* from) { return _mm512_loadu_ps(from); }
inline Vector load(const c10::BFloat16* from) {
  return _mm512_castsi512_ps(
      _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))), 16));
}
inline void store(float* to, Vector a) { _mm512_storeu_ps(to, a); }
inline void storeHalves(float* to, int64_t apart, Vector a) {
  _mm256_storeu_ps(to, _mm512_castps512_ps256(a));
  _mm256_storeu_ps(to + apart, _mm512_extractf32x8_ps(a, 1));
}
// Rounds to nearest, ties to even; AVX512-BF16's rounding flushes the smallest numbers and is not everywhere.
inline void store(c10::BFloat16* to, Vector a) {
  const __m512i bits = _mm512_castps_si512(a);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i rounded = _mm512_srli_epi32(_mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), odd), 16);
  const __m512i words =
      _mm512_mask_mov_epi32(rounded, _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q), _mm512_set1_epi32(0x7fc0));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtepi32_epi16(words));
}
inline Vector add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
inline Vector subtract(Vector a, Vector b) { return _mm512_sub_ps(a, b); }
inline Vector multiply(Vector a, Vector b) { return _mm512_mul_ps(a, b); }
// a b + c
inline Vector multiplyAdd(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
inline Vector largest(Vector a, Vector b) { return _mm512_max_ps(a, b); }  // b if either is NaN
inline Vector smallest(Vector a, Vector b) { return _mm512_min_ps(a, b); }
inline Vector divide(Vector a, Vector b) { return _mm512_div_ps(a, b); }

// Eight lanes of float32 (AVX2), read from and written to float32 and bfloat16.
#pragma once

#include <ATen/ATen.h>

namespace reclmis {

inline bool hasLanes() {
#if defined(__x86_64__) && defined(__GNUC__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return false;
#endif
}

// Sixteen lanes: AVX-512 F, BW, DQ and VL.
inline bool hasWideLanes() {
#if defined(__x86_64__) && defined(__GNUC__)
  return hasLanes() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
  return false;
#endif
}

// Whether an operator takes sixteen lanes for `lanes` asked for; 0: the processor's widest.
inline bool takesWideLanes(int64_t lanes, const char* name) {
  TORCH_CHECK(hasLanes(), name, " needs a processor with AVX2 and FMA");
  TORCH_CHECK(lanes == 0 || lanes == 8 || (lanes == 16 && hasWideLanes()), name, ": no vectors of ", lanes, " floats here");
  return lanes == 16 || (lanes == 0 && hasWideLanes());
}

}  // namespace reclmis

#if defined(__x86_64__) && defined(__GNUC__)
#define RECLMIS_LANES
#include <immintrin.h>

#pragma GCC push_options
#pragma GCC target("avx2,fma")

namespace reclmis {

constexpr int64_t kLanes = 8;
using Lanes = __m256;

inline Lanes load(const float* from) { return _mm256_loadu_ps(from); }

inline Lanes load(const at::BFloat16* from) {
  const __m128i half = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
}

inline void store(float* to, Lanes value) { _mm256_storeu_ps(to, value); }

// Rounds to nearest, ties to even; NaN stays.
inline void store(at::BFloat16* to, Lanes value) {
  const __m256i bits = _mm256_castps_si256(value);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(value, value, _CMP_UNORD_Q));
  const __m256i whole = _mm256_blendv_epi8(rounded, _mm256_set1_epi32(0x7fc00000), nan);
  const __m256i high = _mm256_srli_epi32(whole, 16);
  const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(high, high), 0x08);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(packed));
}

inline Lanes all(float value) { return _mm256_set1_ps(value); }

// Lanes above 0 or NaN, as libtorch's ReLU passes gradients.
inline Lanes passes(Lanes value) { return _mm256_cmp_ps(value, _mm256_setzero_ps(), _CMP_NLE_UQ); }

inline Lanes relu(Lanes value) { return _mm256_max_ps(_mm256_setzero_ps(), value); }

// Transposes 8x8: to[j * rowTo + i] = from[i * row + j].
inline void transpose8(const float* from, int64_t row, float* to, int64_t rowTo) {
  Lanes a[kLanes], b[kLanes];
#pragma GCC unroll 8
  for (int64_t i = 0; i < kLanes; i++) a[i] = load(from + i * row);
#pragma GCC unroll 8
  for (int64_t i = 0; i < kLanes; i += 2) {
    b[i] = _mm256_unpacklo_ps(a[i], a[i + 1]);
    b[i + 1] = _mm256_unpackhi_ps(a[i], a[i + 1]);
  }
#pragma GCC unroll 8
  for (int64_t i = 0; i < kLanes; i += 4) {
    a[i] = _mm256_shuffle_ps(b[i], b[i + 2], 0x44);
    a[i + 1] = _mm256_shuffle_ps(b[i], b[i + 2], 0xee);
    a[i + 2] = _mm256_shuffle_ps(b[i + 1], b[i + 3], 0x44);
    a[i + 3] = _mm256_shuffle_ps(b[i + 1], b[i + 3], 0xee);
  }
#pragma GCC unroll 8
  for (int64_t j = 0; j < 4; j++) {
    store(to + j * rowTo, _mm256_permute2f128_ps(a[j], a[j + 4], 0x20));
    store(to + (j + 4) * rowTo, _mm256_permute2f128_ps(a[j], a[j + 4], 0x31));
  }
}

inline float sumOf(Lanes value) {
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(value), _mm256_extractf128_ps(value, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}

}  // namespace reclmis

#pragma GCC pop_options
#endif

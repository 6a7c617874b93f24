// Dropout's random numbers: a seed per call from libtorch's generator, and Philox4x32-10 (Salmon et al., SC
// 2011), whose i-th output decides about element i.
#pragma once

#include <ATen/CPUGeneratorImpl.h>

#include <cmath>
#include <cstdint>
#include <mutex>

#include "lanes.h"

namespace reclmis {

inline int64_t drawnSeed() {
  const at::Generator generator = at::detail::getDefaultCPUGenerator();
  auto* source = at::check_generator<at::CPUGeneratorImpl>(generator);
  const std::lock_guard<std::mutex> lock(source->mutex_);
  return static_cast<int64_t>(source->random64());
}

}  // namespace reclmis

#ifdef RECLMIS_LANES
#pragma GCC push_options
#pragma GCC target("avx2,fma")

namespace reclmis {

constexpr int64_t kGroup = 32;  // elements of eight counters, four numbers each

struct Words {
  __m256i low, high;
};

inline Words product(__m256i a, __m256i factor) {
  const __m256i even = _mm256_mul_epu32(a, factor), odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), factor);
  return {_mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa), _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa)};
}

// The numbers of eight counters from 8 group on; out[i] holds the i-th of each.
inline void philox(uint64_t seed, uint64_t group, __m256i* out) {
  const __m256i m0 = _mm256_set1_epi32(static_cast<int>(0xD2511F53)), m1 = _mm256_set1_epi32(static_cast<int>(0xCD9E8D57));
  const uint64_t first = group * kLanes;  // a multiple of 8: no carry into the upper half
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

class Thinning {
 public:
  explicit Thinning(double p) : Thinning(p, std::nearbyint(std::ldexp(p, 32))) {}

  // 0 where numbers are below the limit, otherwise value / (1 - p).
  Lanes of(Lanes value, __m256i numbers) const {
    const __m256i sign = _mm256_set1_epi32(INT32_MIN);  // the processor compares signed numbers only
    const __m256i dropped = _mm256_cmpgt_epi32(limit_, _mm256_xor_si256(numbers, sign));
    return _mm256_andnot_ps(_mm256_castsi256_ps(dropped), _mm256_mul_ps(value, scale_));
  }

  const bool everything;  // p = 1 needs a limit of 2^32, beyond 32 bits

 private:
  Thinning(double p, double limit)
      : everything(limit >= std::ldexp(1.0, 32)),
        limit_(_mm256_set1_epi32(static_cast<int>((everything ? 0U : static_cast<uint32_t>(limit)) ^ 0x80000000U))),
        scale_(all(static_cast<float>(1 / (1 - p)))) {}

  __m256i limit_;
  Lanes scale_;
};

}  // namespace reclmis

#pragma GCC pop_options
#endif

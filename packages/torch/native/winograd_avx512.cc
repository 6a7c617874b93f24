// Sixteen channels a vector, thirty-two registers.
#include "winograd.h"

#ifdef RECLMIS_LANES
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <immintrin.h>

#include <algorithm>

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")

namespace {

#include "vector16.h"
#include "products.h"
#include "winograd_kernels.h"
#include "winograd_blocks.h"

}  // namespace

namespace reclmis::winograd {

template <>
Kernels<float> kernelsOf16<float>() {
  return {transformWeights, convolveBy<float>, weightGradientBy<float>};
}
template <>
Kernels<c10::BFloat16> kernelsOf16<c10::BFloat16>() {
  return {transformWeights, convolveBy<c10::BFloat16>, weightGradientBy<c10::BFloat16>};
}

}  // namespace reclmis::winograd

#pragma GCC pop_options
#endif

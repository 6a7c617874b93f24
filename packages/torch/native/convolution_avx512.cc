// Sixteen outputs a vector, thirty-two registers.
#include "convolution.h"

#ifdef RECLMIS_LANES
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <immintrin.h>

#include <algorithm>
#include <limits>
#include <vector>

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")

namespace {

#include "vector16.h"
#include "products.h"
#include "gelu_kernels.h"
#include "convolution_kernels.h"

}  // namespace

namespace reclmis::convolution {

Kernels kernelsOf16() { return {packWeights, convolve, weightGradient}; }

}  // namespace reclmis::convolution

#pragma GCC pop_options
#endif

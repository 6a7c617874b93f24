// Eight outputs a vector, sixteen registers.
#include "convolution.h"

#ifdef RECLMIS_LANES
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <immintrin.h>

#include <algorithm>
#include <limits>
#include <vector>

#pragma GCC push_options
#pragma GCC target("avx2,fma")

namespace {

#include "vector8.h"
#include "products.h"
#include "gelu_kernels.h"
#include "convolution_kernels.h"

}  // namespace

namespace reclmis::convolution {

Kernels kernelsOf8() { return {packWeights, convolve, weightGradient}; }

}  // namespace reclmis::convolution

#pragma GCC pop_options
#endif

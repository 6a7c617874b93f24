// Memory of a CUDA device by libtorch's caching allocator; nothing without CUDA.
#pragma once
#include "allocator.h"

namespace reclmis {

MemoryStatistics cudaMemoryStatistics(int device);
void resetCudaPeak(int device);
void emptyCudaCache();

}  // namespace reclmis

// Memory of a CUDA device, as libtorch's own caching allocator counts it; nothing where libtorch or this build has no CUDA.
#pragma once
#include "allocator.h"

namespace reclmis {

MemoryStatistics cudaMemoryStatistics(int device);
void resetCudaPeak(int device);
void emptyCudaCache();

}  // namespace reclmis

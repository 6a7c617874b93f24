#include "cuda_memory.h"

#if defined(RECLMIS_CUDA) && __has_include(<cuda_runtime_api.h>)
#define RECLMIS_CUDA_MEMORY 1
#include <c10/cuda/CUDACachingAllocator.h>
#include <torch/cuda.h>
#endif

namespace reclmis {

#ifdef RECLMIS_CUDA_MEMORY

namespace allocator = c10::cuda::CUDACachingAllocator;

// The first of each list counts blocks of all sizes.
MemoryStatistics cudaMemoryStatistics(int device) {
  const auto statistics = allocator::getDeviceStats(device);
  const auto& allocated = statistics.allocated_bytes[0];
  const auto live = static_cast<size_t>(allocated.current);
  return {live, static_cast<size_t>(allocated.peak), static_cast<size_t>(statistics.reserved_bytes[0].current) - live};
}

void resetCudaPeak(int device) { allocator::resetPeakStats(device); }

void emptyCudaCache() {
  if (torch::cuda::is_available()) allocator::emptyCache();
}

#else

MemoryStatistics cudaMemoryStatistics(int) { return {0, 0, 0}; }
void resetCudaPeak(int) {}
void emptyCudaCache() {}

#endif

}  // namespace reclmis

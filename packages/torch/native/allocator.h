// The CPU allocator that libtorch uses once the addon is loaded.
#pragma once
#include <cstddef>

namespace reclmis {

struct MemoryStatistics {
  size_t live;    // bytes handed to libtorch and not yet given back
  size_t peak;    // largest `live` since the last reset
  size_t cached;  // bytes of freed blocks kept for reuse
};

void installAllocator();
MemoryStatistics memoryStatistics();
void resetPeak();
void emptyCache();
void trimHeap();

}  // namespace reclmis

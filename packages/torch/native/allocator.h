// libtorch's CPU allocator once the addon is loaded.
#pragma once
#include <cstddef>

namespace reclmis {

struct MemoryStatistics {
  size_t live;
  size_t peak;    // largest `live` since the last reset
  size_t cached;  // freed bytes kept for reuse
};

void installAllocator();
MemoryStatistics memoryStatistics();
void resetPeak();
void emptyCache();
void trimHeap();

}  // namespace reclmis

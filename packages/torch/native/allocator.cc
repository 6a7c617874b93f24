// A caching CPU allocator for libtorch.
//
// glibc returns large blocks to the kernel and takes them again at each step, and page faults are slow on
// virtual machines. Here large blocks are mapped once, on huge pages, and kept by size when freed. It also
// counts bytes. Small requests go to malloc, tuned once.
#include "allocator.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/util/Exception.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <mutex>

namespace reclmis {
namespace {

constexpr size_t kHeader = 64;                   // bytes before each block, and its alignment
constexpr size_t kHugePage = size_t{2} << 20;    // x86-64 and most arm64 kernels
constexpr size_t kLarge = size_t{1} << 20;       // smallest mapped and cached block
constexpr size_t kReserve = size_t{4} << 30;     // largest heap prepared for huge pages

struct Header {
  size_t bytes;
  size_t block;  // of the mapping; 0 if malloc'd
};

size_t roundUp(size_t value, size_t step) { return (value + step - 1) / step * step; }

class CachingAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) const /* override in every version */ {
    if (bytes == 0) return {nullptr, nullptr, &CachingAllocator::release, c10::Device(c10::DeviceType::CPU)};
    void* data = self().take(bytes);
    return {data, data, &CachingAllocator::release, c10::Device(c10::DeviceType::CPU)};
  }
  // libtorch 2.3 and later call the non-const one.
  c10::DataPtr allocate(size_t bytes) { return static_cast<const CachingAllocator*>(this)->allocate(bytes); }
  c10::DeleterFnPtr raw_deleter() const override { return &CachingAllocator::release; }
  // Needed from libtorch 2.1 on.
  void copy_data(void* destination, const void* source, std::size_t count) const {
    std::copy_n(static_cast<const char*>(source), count, static_cast<char*>(destination));
  }

  static CachingAllocator& instance() {
    static auto* allocator = new CachingAllocator();  // never destroyed: tensors may outlive static destructors
    return *allocator;
  }

  MemoryStatistics statistics() {
    std::lock_guard<std::mutex> lock(mutex_);
    return {live_, peak_, cached_};
  }
  void resetPeak() {
    std::lock_guard<std::mutex> lock(mutex_);
    peak_ = live_;
  }
  void empty() {
    std::lock_guard<std::mutex> lock(mutex_);
    emptyLocked();
  }

 private:
  CachingAllocator& self() const { return const_cast<CachingAllocator&>(*this); }

  void* take(size_t bytes) {
    char* base = bytes + kHeader >= kLarge ? takeLarge(bytes) : takeSmall(bytes);
    TORCH_CHECK(base != nullptr, "out of memory: ", bytes, " bytes were asked for");
    reinterpret_cast<Header*>(base)->bytes = bytes;
    std::lock_guard<std::mutex> lock(mutex_);
    live_ += bytes;
    peak_ = std::max(peak_, live_);
    return base + kHeader;
  }

  char* takeSmall(size_t bytes) {
    void* base = nullptr;
    if (posix_memalign(&base, kHeader, bytes + kHeader) != 0) return nullptr;
    static_cast<Header*>(base)->block = 0;
    return static_cast<char*>(base);
  }

  char* takeLarge(size_t bytes) {
    const size_t block = roundUp(bytes + kHeader, bytes >= 2 * kHugePage ? kHugePage : 4096);
    std::lock_guard<std::mutex> lock(mutex_);
    // Reuses a block that wastes at most an eighth.
    auto found = free_.lower_bound(block);
    if (found != free_.end() && found->first - block <= block / 8) {
      char* base = found->second;
      cached_ -= found->first;
      free_.erase(found);
      return base;
    }
    char* base = map(block);
    if (base == nullptr) {
      emptyLocked();
      base = map(block);
    }
    if (base != nullptr) reinterpret_cast<Header*>(base)->block = block;
    return base;
  }

  static char* map(size_t block) {
    const size_t span = block + kHugePage;
    void* raw = mmap(nullptr, span, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (raw == MAP_FAILED) return nullptr;
    char* start = static_cast<char*>(raw);
    char* base = reinterpret_cast<char*>(roundUp(reinterpret_cast<uintptr_t>(start), kHugePage));
    const size_t page = 4096;
    const size_t end = roundUp(block, page);
    if (base > start) munmap(start, base - start);
    if (base + end < start + span) munmap(base + end, start + span - (base + end));
#ifdef MADV_HUGEPAGE
    madvise(base, end, MADV_HUGEPAGE);
#endif
    return base;
  }

  static void release(void* data) {
    if (data != nullptr) instance().give(static_cast<char*>(data) - kHeader);
  }

  void give(char* base) {
    const Header header = *reinterpret_cast<Header*>(base);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      live_ -= header.bytes;
      if (header.block != 0) {
        free_.emplace(header.block, base);
        cached_ += header.block;
        return;
      }
    }
    std::free(base);
  }

  void emptyLocked() {
    for (auto& [size, base] : free_) munmap(base, roundUp(size, 4096));
    free_.clear();
    cached_ = 0;
  }

  std::mutex mutex_;
  std::multimap<size_t, char*> free_;
  size_t live_ = 0;
  size_t peak_ = 0;
  size_t cached_ = 0;
};

// oneDNN takes scratch memory from malloc.
void tuneMalloc() {
#ifdef __GLIBC__
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);  // never
  mallopt(M_TOP_PAD, 64 << 20);
  const size_t physical = static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGE_SIZE));
  const size_t reserve = std::min(kReserve, physical / 4);
  if (void* heap = std::malloc(reserve)) {  // reserves addresses, touches no page
#ifdef MADV_HUGEPAGE
    const uintptr_t start = roundUp(reinterpret_cast<uintptr_t>(heap), kHugePage);
    const uintptr_t end = (reinterpret_cast<uintptr_t>(heap) + reserve) / kHugePage * kHugePage;
    if (end > start) madvise(reinterpret_cast<void*>(start), end - start, MADV_HUGEPAGE);
#endif
    std::free(heap);
  }
#endif
}

}  // namespace

void installAllocator() {
  tuneMalloc();
  c10::SetCPUAllocator(&CachingAllocator::instance(), /*priority=*/100);
}

MemoryStatistics memoryStatistics() { return CachingAllocator::instance().statistics(); }
void resetPeak() { CachingAllocator::instance().resetPeak(); }
void trimHeap() {
#ifdef __GLIBC__
  malloc_trim(64 << 20);  // keeps what tuneMalloc() prepared
#endif
}

void emptyCache() { CachingAllocator::instance().empty(); }

}  // namespace reclmis

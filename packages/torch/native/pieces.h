// Statistics of the channels of channels-last maps, piece by piece: what the normalisations share.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "lanes.h"

#ifdef RECLMIS_LANES
#pragma GCC push_options
#pragma GCC target("avx2,fma")

namespace reclmis {

constexpr int64_t kPiece = 16384;  // numbers per piece: the second reading hits the nearest caches

struct Pieces {
  int64_t rows, size;
  Pieces(int64_t rows, int64_t channels) : rows(rows), size(std::max<int64_t>(16, kPiece / channels)) {}
  int64_t count() const { return (rows + size - 1) / size; }
  int64_t rowsOf(int64_t piece) const { return std::min(size, rows - piece * size); }
};

// Means and sums of squared deviations of 8 V channels over rows.
template <int V, typename T>
inline void moments(const T* x, int64_t rows, int64_t row, float* means, float* squares) {
  Lanes sums[V], mean[V];
#pragma GCC unroll 8
  for (int v = 0; v < V; v++) sums[v] = all(0);
  for (int64_t r = 0; r < rows; r++) {
#pragma GCC unroll 8
    for (int v = 0; v < V; v++) sums[v] = _mm256_add_ps(sums[v], load(x + r * row + v * kLanes));
  }
#pragma GCC unroll 8
  for (int v = 0; v < V; v++) {
    mean[v] = _mm256_div_ps(sums[v], all(static_cast<float>(rows)));
    store(means + v * kLanes, mean[v]);
    sums[v] = all(0);
  }
  for (int64_t r = 0; r < rows; r++) {
#pragma GCC unroll 8
    for (int v = 0; v < V; v++) {
      const Lanes deviation = _mm256_sub_ps(load(x + r * row + v * kLanes), mean[v]);
      sums[v] = _mm256_fmadd_ps(deviation, deviation, sums[v]);
    }
  }
#pragma GCC unroll 8
  for (int v = 0; v < V; v++) store(squares + v * kLanes, sums[v]);
}

// Calls body(c, std::integral_constant<int, V>) for blocks of 8 V channels.
template <typename Body>
inline void overChannels(int64_t channels, Body&& body) {
  int64_t c = 0;
  for (; c + 32 <= channels; c += 32) body(c, std::integral_constant<int, 4>());
  for (; c < channels; c += 8) body(c, std::integral_constant<int, 1>());
}

}  // namespace reclmis

#pragma GCC pop_options
#endif

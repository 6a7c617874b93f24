#pragma once

#include <cstdint>

#include "lanes.h"

namespace reclmis::winograd {

constexpr int64_t kTile = 4;
constexpr int64_t kWindow = 6;
constexpr int64_t kFrequencies = kWindow * kWindow;

// Tiles of maps [B,H,W,channels] for windows whose pixels are `apart`: each of the apart x apart maps of every such pixel
// has its own.
struct Grid {
  int64_t batch, height, width, apart;
  int64_t down, across;
  Grid(int64_t b, int64_t h, int64_t w, int64_t a) : batch(b), height(h), width(w), apart(a), down(tilesOf(h)), across(tilesOf(w)) {}
  int64_t tilesOf(int64_t side) const { return ((side + apart - 1) / apart + kTile - 1) / kTile; }
  int64_t tiles() const { return batch * apart * apart * down * across; }
};

// A tile's image and first pixel, which may be outside the map.
struct Corner {
  int64_t image, top, left;
  Corner(const Grid& grid, int64_t tile) {
    const int64_t column = tile % grid.across, row = tile / grid.across % grid.down, map = tile / (grid.across * grid.down);
    image = map / (grid.apart * grid.apart);
    top = row * kTile * grid.apart + map / grid.apart % grid.apart;
    left = column * kTile * grid.apart + map % grid.apart;
  }
};

// Element (output o, input i, row r, column s) is at base + o*so + i*si + r*sr + s*ss.
struct Weights {
  float* base;
  int64_t outputs, inputs, so, si, sr, ss;
};

// What follows the sums: + shift [outputs], + another map's pixel, at least `least`; null: nothing to add.
template <typename Element>
struct Finish {
  const float* shift;
  const Element* plus;
  float least;
};

// Kernels for one instruction set and one element type of maps; sums and weights are float32.
template <typename Element>
struct Kernels {
  // The weights in frequencies, in these kernels' order.
  at::Tensor (*transform)(const Weights& w);
  // y [B,H,W,outputs] = x [B,H,W,inputs] * w, finished; u: the weights in frequencies, or null to compute them.
  void (*convolve)(const Element* x, const Grid& grid, const Weights& w, const float* u, const Finish<Element>& finish, Element* y);
  // dw [outputs,inputs,3,3] and db [outputs] from x [B,H,W,inputs] and dy [B,H,W,outputs]
  void (*weightGradient)(const Element* x, const Element* dy, const Grid& grid, const Weights& dw, float* db);
};

template <typename Element>
Kernels<Element> kernelsOf8();
// Needs AVX-512 F, BW, DQ and VL.
template <typename Element>
Kernels<Element> kernelsOf16();

}  // namespace reclmis::winograd

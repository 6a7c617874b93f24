#pragma once

#include <cstdint>

#include "lanes.h"

namespace reclmis::winograd {

constexpr int64_t kTile = 4;
constexpr int64_t kWindow = 6;
constexpr int64_t kFrequencies = kWindow * kWindow;

// A tile's place in maps [B,H,W,channels].
struct Grid {
  int64_t batch, height, width;
  int64_t down, across;
  Grid(int64_t b, int64_t h, int64_t w)
      : batch(b), height(h), width(w), down((h + kTile - 1) / kTile), across((w + kTile - 1) / kTile) {}
  int64_t tiles() const { return batch * down * across; }
};

// Element (output o, input i, row r, column s) is at base + o*so + i*si + r*sr + s*ss.
struct Weights {
  float* base;
  int64_t outputs, inputs, so, si, sr, ss;
};

// Kernels for one instruction set and one element type of maps; sums and weights are float32.
template <typename Element>
struct Kernels {
  // The weights in frequencies, in these kernels' order.
  at::Tensor (*transform)(const Weights& w);
  // y [B,H,W,outputs] = x [B,H,W,inputs] * w + bias, at least `least`; u: the weights in frequencies.
  void (*convolve)(const Element* x, const Grid& grid, const Weights& w, const float* u, const float* bias, float least, Element* y);
  // dw [outputs,inputs,3,3] and db [outputs] from x [B,H,W,inputs] and dy [B,H,W,outputs]
  void (*weightGradient)(const Element* x, const Element* dy, const Grid& grid, const Weights& dw, float* db);
};

template <typename Element>
Kernels<Element> kernelsOf8();
// Needs AVX-512 F, BW, DQ and VL.
template <typename Element>
Kernels<Element> kernelsOf16();

}  // namespace reclmis::winograd

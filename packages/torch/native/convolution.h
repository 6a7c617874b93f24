#pragma once

#include <cstdint>

#include "lanes.h"

namespace reclmis::convolution {

// For each place of a grid [batch, rows, columns], the rectangle of pixels of a map [batch, height, width,
// channels] whose corner is at (row * stepY + top, column * stepX + left); pixels outside the map are 0.
struct Patches {
  int64_t batch, rows, columns;
  int64_t height, width, channels;
  int64_t stepY, stepX, top, left, down, across;

  int64_t count() const { return batch * rows * columns; }
  int64_t inputs() const { return down * across * channels; }
  // Whether the patches are the map itself.
  bool whole() const {
    return down * across == 1 && stepY == 1 && stepX == 1 && top == 0 && left == 0 && rows == height && columns == width;
  }
};

// Pixels of a map [batch, height, width, outputs] that a grid of results fills: (row * stepY + top, column *
// stepX + left).
struct Target {
  float* base;
  int64_t height, width, stepY, stepX, top, left;

  int64_t pixelOf(const Patches& patches, int64_t place) const {
    const int64_t column = place % patches.columns, row = place / patches.columns % patches.rows;
    const int64_t image = place / (patches.columns * patches.rows);
    return (image * height + row * stepY + top) * width + column * stepX + left;
  }
  bool whole(const Patches& patches) const { return patches.rows == height && patches.columns == width; }
};

// What follows the sums: + shift [outputs], + the target's pixel of another map, at least `least`, GELU.
struct Finish {
  const float *shift, *plus;
  float least;
  bool gelu = false;
};

// Element (output o, input i, row r, column s of the patch) is at base + o*so + i*si + r*sr + s*ss.
struct Weights {
  float* base;
  int64_t outputs, inputs, down, across, so, si, sr, ss;
};

// Kernels for one instruction set.
struct Kernels {
  // The weights as panels of a matrix [patch, outputs], in these kernels' order.
  at::Tensor (*pack)(const Weights& w);
  // target = patches of x * u, finished; u: packed weights of so many outputs.
  void (*convolve)(const float* x, const Patches& patches, const float* u, int64_t outputs, const Finish& finish, const Target& target);
  // dw, and db [outputs], from the map x and the gradient dy [patches, outputs].
  void (*weightGradient)(const float* x, const Patches& patches, const float* dy, const Weights& dw, float* db);
};

Kernels kernelsOf8();
// Needs AVX-512 F, BW, DQ and VL.
Kernels kernelsOf16();

}  // namespace reclmis::convolution

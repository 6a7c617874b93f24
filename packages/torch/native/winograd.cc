// 3x3 convolution, stride 1, padding 1, float32 on processors with AVX2: Winograd's minimal filtering F(4x4, 3x3), forward and both gradients
// (Lavin and Gray, arXiv 1509.09308). A tile of 4x4 outputs costs 36 products instead of 144. Registered with the dispatcher as
//   reclmis::conv3x3(input [B,C,H,W], weight [K,C,3,3], bias [K] or none) -> [B,K,H,W]
// for C and K that are multiples of 16, channels-last; who calls it when is decided elsewhere.
//
//   Y = A'[(G w G') . (B' d B)]A summed over C, with d a 6x6 window of the input at steps of 4, w the 3x3 weights, . element by element.
// So each of the 36 elements f is a matrix product of its own, V_f [tiles, C] x U_f [C, K] = M_f [tiles, K]. The gradients are the adjoints:
// the input's is the same convolution with the weights turned and exchanged, the weights' is G'[sum over tiles of V_f' (A dY A')_f]G.
// Every sum runs in an order that depends on the shapes alone, so the bits do not depend on the number of threads.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>

#include "optional.h"
#include "winograd.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define RECLMIS_WINOGRAD
#include <immintrin.h>
#endif

namespace reclmis {

bool hasWinograd() {
#ifdef RECLMIS_WINOGRAD
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return false;
#endif
}

}  // namespace reclmis

namespace {

using reclmis::OptionalTensor;

constexpr int64_t kTile = 4;      // outputs of a tile along an axis
constexpr int64_t kWindow = 6;    // inputs of a tile along an axis
constexpr int64_t kFrequencies = kWindow * kWindow;
constexpr int64_t kPanel = 16;    // output channels of a panel of U: two vectors
constexpr int64_t kRows = 6;      // tiles that the product takes at a time: 12 sums in registers
constexpr int64_t kPad = 16;      // floats between frequencies, so that they do not fall on the same lines of the cache

// Where a tile lies.
struct Grid {
  int64_t batch, height, width;
  int64_t down, across;
  Grid(int64_t b, int64_t h, int64_t w)
      : batch(b), height(h), width(w), down((h + kTile - 1) / kTile), across((w + kTile - 1) / kTile) {}
  int64_t tiles() const { return batch * down * across; }
};

// Weights as the product reads them: element (output o, input i, row r, column s) lies at base + o*so + i*si + r*sr + s*ss.
struct Weights {
  const float* base;
  int64_t outputs, inputs, so, si, sr, ss;
};

Weights forwardWeights(const at::Tensor& w) {
  return {w.data_ptr<float>(), w.size(0), w.size(1), w.stride(0), w.stride(1), w.stride(2), w.stride(3)};
}

// Turned by 180 degrees, inputs and outputs exchanged.
Weights turnedWeights(const at::Tensor& w) {
  return {w.data_ptr<float>() + 2 * w.stride(2) + 2 * w.stride(3), w.size(1), w.size(0), w.stride(1), w.stride(0),
          -w.stride(2), -w.stride(3)};
}

void checkShapes(const at::Tensor& input, const at::Tensor& weight) {
  TORCH_CHECK(reclmis::hasWinograd(), "conv3x3 needs a processor with AVX2 and FMA");
  TORCH_CHECK(input.device().is_cpu() && weight.device().is_cpu(), "conv3x3 runs on the CPU");
  TORCH_CHECK(input.scalar_type() == at::kFloat && weight.scalar_type() == at::kFloat, "conv3x3 takes float32");
  TORCH_CHECK(input.dim() == 4 && weight.dim() == 4 && weight.size(2) == 3 && weight.size(3) == 3,
              "conv3x3 takes an input [B,C,H,W] and a weight [K,C,3,3]");
  TORCH_CHECK(input.size(1) == weight.size(1), "conv3x3: ", input.size(1), " channels for a weight of ", weight.size(1));
  TORCH_CHECK(weight.size(0) % kPanel == 0 && weight.size(1) % kPanel == 0, "conv3x3 takes multiples of 16 channels");
}

#ifdef RECLMIS_WINOGRAD
#pragma GCC push_options
#pragma GCC target("avx2,fma")

using Vector = __m256;

inline Vector twice(Vector a) { return _mm256_add_ps(a, a); }
inline Vector scaled(float k, Vector a) { return _mm256_mul_ps(_mm256_set1_ps(k), a); }
// a + k b
inline Vector plus(Vector a, float k, Vector b) { return _mm256_fmadd_ps(_mm256_set1_ps(k), b, a); }

// B' along one axis: 6 -> 6.
inline void intoFrequencies(const Vector* d, int64_t step, Vector* t, int64_t to) {
  const Vector even = plus(d[4 * step], -4, d[2 * step]);
  const Vector odd = plus(d[3 * step], -4, d[1 * step]);
  const Vector far = _mm256_sub_ps(d[4 * step], d[2 * step]);
  const Vector near = twice(_mm256_sub_ps(d[3 * step], d[1 * step]));
  t[0] = plus(plus(d[4 * step], -5, d[2 * step]), 4, d[0]);
  t[1 * to] = _mm256_add_ps(even, odd);
  t[2 * to] = _mm256_sub_ps(even, odd);
  t[3 * to] = _mm256_add_ps(far, near);
  t[4 * to] = _mm256_sub_ps(far, near);
  t[5 * to] = plus(plus(d[5 * step], -5, d[3 * step]), 4, d[1 * step]);
}

// A' along one axis: 6 -> 4.
inline void outOfFrequencies(const Vector* m, int64_t step, Vector* y, int64_t to) {
  const Vector sum = _mm256_add_ps(m[1 * step], m[2 * step]);
  const Vector difference = _mm256_sub_ps(m[1 * step], m[2 * step]);
  const Vector farSum = _mm256_add_ps(m[3 * step], m[4 * step]);
  const Vector farDifference = _mm256_sub_ps(m[3 * step], m[4 * step]);
  y[0] = _mm256_add_ps(_mm256_add_ps(m[0], sum), farSum);
  y[1 * to] = plus(difference, 2, farDifference);
  y[2 * to] = plus(sum, 4, farSum);
  y[3 * to] = _mm256_add_ps(plus(difference, 8, farDifference), m[5 * step]);
}

// A along one axis: 4 -> 6.
inline void gradientIntoFrequencies(const Vector* y, int64_t step, Vector* m, int64_t to) {
  const Vector even = _mm256_add_ps(y[0], y[2 * step]);
  const Vector odd = _mm256_add_ps(y[1 * step], y[3 * step]);
  const Vector farEven = plus(y[0], 4, y[2 * step]);
  const Vector farOdd = twice(plus(y[1 * step], 4, y[3 * step]));
  m[0] = y[0];
  m[1 * to] = _mm256_add_ps(even, odd);
  m[2 * to] = _mm256_sub_ps(even, odd);
  m[3 * to] = _mm256_add_ps(farEven, farOdd);
  m[4 * to] = _mm256_sub_ps(farEven, farOdd);
  m[5 * to] = y[3 * step];
}

// G along one axis: 3 -> 6.
inline void weightsIntoFrequencies(const Vector* w, int64_t step, Vector* u, int64_t to) {
  const Vector ends = _mm256_add_ps(w[0], w[2 * step]);
  const Vector far = plus(w[0], 4, w[2 * step]);
  const Vector middle = w[step];
  u[0] = scaled(0.25F, w[0]);
  u[1 * to] = scaled(-1.0F / 6, _mm256_add_ps(ends, middle));
  u[2 * to] = scaled(-1.0F / 6, _mm256_sub_ps(ends, middle));
  u[3 * to] = scaled(1.0F / 24, plus(far, 2, middle));
  u[4 * to] = scaled(1.0F / 24, plus(far, -2, middle));
  u[5 * to] = w[2 * step];
}

// G' along one axis: 6 -> 3.
inline void gradientOutOfFrequencies(const Vector* u, int64_t step, Vector* w, int64_t to) {
  const Vector sum = scaled(-1.0F / 6, _mm256_add_ps(u[1 * step], u[2 * step]));
  const Vector difference = scaled(-1.0F / 6, _mm256_sub_ps(u[1 * step], u[2 * step]));
  const Vector farSum = scaled(1.0F / 24, _mm256_add_ps(u[3 * step], u[4 * step]));
  const Vector farDifference = scaled(1.0F / 24, _mm256_sub_ps(u[3 * step], u[4 * step]));
  w[0] = _mm256_add_ps(plus(sum, 0.25F, u[0]), farSum);
  w[1 * to] = plus(difference, 2, farDifference);
  w[2 * to] = _mm256_add_ps(plus(sum, 4, farSum), u[5 * step]);
}

// A window of `Side` x `Side` values of an image, by their addresses; those outside the image are eight zeros at a step of 0.
template <int64_t Side>
struct Window {
  const float* at[Side * Side];
  int64_t step[Side * Side];

  Window(const float* map, const Grid& grid, int64_t tile, int64_t channels, int64_t margin) {
    alignas(32) static const float kZeros[8] = {};
    const int64_t column = tile % grid.across, row = tile / grid.across % grid.down, image = tile / (grid.across * grid.down);
    const float* base = map + image * grid.height * grid.width * channels;
    for (int64_t i = 0; i < Side; i++) {
      const int64_t y = row * kTile - margin + i;
      for (int64_t j = 0; j < Side; j++) {
        const int64_t z = column * kTile - margin + j;
        const bool inside = y >= 0 && y < grid.height && z >= 0 && z < grid.width;
        at[i * Side + j] = inside ? base + (y * grid.width + z) * channels : kZeros;
        step[i * Side + j] = inside ? 1 : 0;
      }
    }
  }

  Vector load(int64_t place, int64_t c) const { return _mm256_loadu_ps(at[place] + step[place] * c); }
};

// Eight channels of a tile's 6x6 window in frequencies.
inline void windowOf(const Window<kWindow>& window, int64_t c, Vector* out) {
  Vector d[kFrequencies], t[kFrequencies];
#pragma GCC unroll 36
  for (int64_t p = 0; p < kFrequencies; p++) d[p] = window.load(p, c);
#pragma GCC unroll 6
  for (int64_t j = 0; j < kWindow; j++) intoFrequencies(d + j, kWindow, t + j, kWindow);
#pragma GCC unroll 6
  for (int64_t i = 0; i < kWindow; i++) intoFrequencies(t + i * kWindow, 1, out + i * kWindow, 1);
}

// Eight channels of the gradient of a tile's 4x4 outputs in frequencies.
inline void gradientOf(const Window<kTile>& window, int64_t k, Vector* out) {
  Vector d[kTile * kTile], t[kWindow * kTile];
#pragma GCC unroll 16
  for (int64_t p = 0; p < kTile * kTile; p++) d[p] = window.load(p, k);
#pragma GCC unroll 6
  for (int64_t j = 0; j < kTile; j++) gradientIntoFrequencies(d + j, kTile, t + j, kTile);
#pragma GCC unroll 6
  for (int64_t i = 0; i < kWindow; i++) gradientIntoFrequencies(t + i * kTile, 1, out + i * kWindow, 1);
}

// U as panels [f][outputs / 16][inputs][16].
at::Tensor transformWeights(const Weights& w) {
  at::Tensor u = at::empty({kFrequencies, w.outputs / kPanel, w.inputs, kPanel}, at::kFloat);
  float* to = u.data_ptr<float>();
  const int64_t frequency = w.outputs * w.inputs;
  at::parallel_for(0, w.outputs / 8, 1, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; block++) {
      const float* from = w.base + block * 8 * w.so;
      float* panel = to + block / 2 * w.inputs * kPanel + block % 2 * 8;
      for (int64_t i = 0; i < w.inputs; i++) {
        Vector g[9], t[18], out[kFrequencies];
        for (int64_t r = 0; r < 3; r++) {
          for (int64_t s = 0; s < 3; s++) {
            const float* at = from + i * w.si + r * w.sr + s * w.ss;
            g[r * 3 + s] = _mm256_setr_ps(at[0], at[w.so], at[2 * w.so], at[3 * w.so], at[4 * w.so], at[5 * w.so],
                                          at[6 * w.so], at[7 * w.so]);
          }
        }
#pragma GCC unroll 6
        for (int64_t s = 0; s < 3; s++) weightsIntoFrequencies(g + s, 3, t + s, 3);
#pragma GCC unroll 6
        for (int64_t f = 0; f < kWindow; f++) weightsIntoFrequencies(t + f * 3, 1, out + f * kWindow, 1);
        for (int64_t f = 0; f < kFrequencies; f++) _mm256_storeu_ps(panel + f * frequency + i * kPanel, out[f]);
      }
    }
  });
  return u;
}

// M [R, 16] = V [R, inputs] x U [inputs, 16].
template <int R>
inline void productRows(const float* v, int64_t rowV, const float* u, int64_t inputs, float* m, int64_t rowM) {
  Vector sums[R][2];
#pragma GCC unroll 6
  for (int r = 0; r < R; r++) sums[r][0] = sums[r][1] = _mm256_setzero_ps();
  for (int64_t c = 0; c < inputs; c++) {
    const Vector low = _mm256_loadu_ps(u + c * kPanel), high = _mm256_loadu_ps(u + c * kPanel + 8);
#pragma GCC unroll 6
    for (int r = 0; r < R; r++) {
      const Vector a = _mm256_broadcast_ss(v + r * rowV + c);
      sums[r][0] = _mm256_fmadd_ps(a, low, sums[r][0]);
      sums[r][1] = _mm256_fmadd_ps(a, high, sums[r][1]);
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < R; r++) {
    _mm256_storeu_ps(m + r * rowM, sums[r][0]);
    _mm256_storeu_ps(m + r * rowM + 8, sums[r][1]);
  }
}

void product(const float* v, const float* u, int64_t rows, int64_t inputs, int64_t outputs, float* m) {
  for (int64_t k = 0; k < outputs; k += kPanel, u += inputs * kPanel) {
    int64_t t = 0;
    for (; t + kRows <= rows; t += kRows) productRows<kRows>(v + t * inputs, inputs, u, inputs, m + t * outputs + k, outputs);
    const float* rest = v + t * inputs;
    float* to = m + t * outputs + k;
    switch (rows - t) {
      case 5: productRows<5>(rest, inputs, u, inputs, to, outputs); break;
      case 4: productRows<4>(rest, inputs, u, inputs, to, outputs); break;
      case 3: productRows<3>(rest, inputs, u, inputs, to, outputs); break;
      case 2: productRows<2>(rest, inputs, u, inputs, to, outputs); break;
      case 1: productRows<1>(rest, inputs, u, inputs, to, outputs); break;
      default: break;
    }
  }
}

// A tile's outputs from its frequencies m[f * frequency + k], those inside the image.
void writeTile(const float* m, int64_t frequency, const Grid& grid, int64_t tile, int64_t outputs, const float* bias, float* y) {
  const int64_t column = tile % grid.across, row = tile / grid.across % grid.down, image = tile / (grid.across * grid.down);
  const int64_t rows = std::min(kTile, grid.height - row * kTile), columns = std::min(kTile, grid.width - column * kTile);
  float* base = y + ((image * grid.height + row * kTile) * grid.width + column * kTile) * outputs;
  for (int64_t k = 0; k < outputs; k += 8) {
    Vector d[kFrequencies], t[kTile * kWindow], out[kTile * kTile];
    for (int64_t f = 0; f < kFrequencies; f++) d[f] = _mm256_loadu_ps(m + f * frequency + k);
#pragma GCC unroll 6
    for (int64_t j = 0; j < kWindow; j++) outOfFrequencies(d + j, kWindow, t + j, kWindow);
#pragma GCC unroll 6
    for (int64_t i = 0; i < kTile; i++) outOfFrequencies(t + i * kWindow, 1, out + i * kTile, 1);
    const Vector shift = bias == nullptr ? _mm256_setzero_ps() : _mm256_loadu_ps(bias + k);
    for (int64_t i = 0; i < rows; i++) {
      for (int64_t j = 0; j < columns; j++) {
        _mm256_storeu_ps(base + (i * grid.width + j) * outputs + k, _mm256_add_ps(out[i * kTile + j], shift));
      }
    }
  }
}

// Tiles that a thread takes at a time: their V and M should stay in its cache, but deep layers' large U wants many tiles for each reading.
int64_t tilesAtOnce(int64_t tiles, int64_t channels) {
  constexpr int64_t kCache = 400 << 10, kLeast = 24, kMost = 96;
  const int64_t fit = kCache / (kFrequencies * int64_t{sizeof(float)} * channels);
  const int64_t wanted = fit >= kLeast ? std::min(fit, kMost) : kMost;
  const int64_t threads = at::get_num_threads();
  const int64_t chunks = (tiles + wanted - 1) / wanted;
  const int64_t even = (chunks + threads - 1) / threads * threads;  // the same number for each thread
  const int64_t size = (tiles + even - 1) / even;
  return (size + kRows - 1) / kRows * kRows;
}

// y [B,H,W,outputs] = x [B,H,W,inputs] * w + bias
void convolve(const float* x, const Grid& grid, const Weights& w, const float* bias, float* y) {
  const at::Tensor transformed = transformWeights(w);
  const float* u = transformed.data_ptr<float>();
  const int64_t tiles = grid.tiles(), size = tilesAtOnce(tiles, w.inputs + w.outputs);
  const int64_t rowsV = size * w.inputs + kPad, rowsM = size * w.outputs + kPad, chunks = (tiles + size - 1) / size;
  const at::Tensor scratch = at::empty({at::get_num_threads(), kFrequencies * (rowsV + rowsM)}, at::kFloat);
  at::parallel_for(0, chunks, 1, [&](int64_t begin, int64_t end) {
    float* v = scratch.data_ptr<float>() + at::get_thread_num() * kFrequencies * (rowsV + rowsM);
    float* m = v + kFrequencies * rowsV;
    for (int64_t chunk = begin; chunk < end; chunk++) {
      const int64_t first = chunk * size, count = std::min(size, tiles - first);
      for (int64_t t = 0; t < count; t++) {
        const Window<kWindow> window(x, grid, first + t, w.inputs, 1);
        for (int64_t c = 0; c < w.inputs; c += 8) {
          Vector out[kFrequencies];
          windowOf(window, c, out);
#pragma GCC unroll 36
          for (int64_t f = 0; f < kFrequencies; f++) _mm256_storeu_ps(v + f * rowsV + t * w.inputs + c, out[f]);
        }
      }
      for (int64_t f = 0; f < kFrequencies; f++)
        product(v + f * rowsV, u + f * w.inputs * w.outputs, count, w.inputs, w.outputs, m + f * rowsM);
      for (int64_t t = 0; t < count; t++) writeTile(m + t * w.outputs, rowsM, grid, first + t, w.outputs, bias, y);
    }
  });
}

// Adds V' [4, tiles] x M [tiles, 16] to a block of the sums; v is a panel [tiles, 4], m one [tiles, 16].
inline void accumulate(const float* v, const float* m, int64_t tiles, float* sums, int64_t row) {
  Vector s[4][2];
#pragma GCC unroll 4
  for (int r = 0; r < 4; r++) {
    s[r][0] = _mm256_loadu_ps(sums + r * row);
    s[r][1] = _mm256_loadu_ps(sums + r * row + 8);
  }
  for (int64_t t = 0; t < tiles; t++) {
    const Vector low = _mm256_loadu_ps(m + t * kPanel), high = _mm256_loadu_ps(m + t * kPanel + 8);
  #pragma GCC unroll 4
  for (int r = 0; r < 4; r++) {
      const Vector a = _mm256_broadcast_ss(v + t * 4 + r);
      s[r][0] = _mm256_fmadd_ps(a, low, s[r][0]);
      s[r][1] = _mm256_fmadd_ps(a, high, s[r][1]);
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < 4; r++) {
    _mm256_storeu_ps(sums + r * row, s[r][0]);
    _mm256_storeu_ps(sums + r * row + 8, s[r][1]);
  }
}

// dw [K,C,3,3] from x [B,H,W,C] and dy [B,H,W,K]
void weightGradient(const float* x, const float* dy, const Grid& grid, int64_t C, int64_t K, at::Tensor& dw) {
  constexpr int64_t kStage = 6 << 20;  // bytes of V and M together
  const int64_t tiles = grid.tiles();
  const int64_t fit = std::max<int64_t>(128, kStage / (kFrequencies * int64_t{sizeof(float)} * (C + K)));
  const int64_t stages = (tiles + fit - 1) / fit, size = (tiles + stages - 1) / stages;
  const int64_t rowsV = size * C + kPad, rowsM = size * K + kPad;
  const at::Tensor v = at::empty({kFrequencies * rowsV}, at::kFloat), m = at::empty({kFrequencies * rowsM}, at::kFloat);
  const at::Tensor sums = at::zeros({kFrequencies, C, K}, at::kFloat);
  float *vs = v.data_ptr<float>(), *ms = m.data_ptr<float>(), *us = sums.data_ptr<float>();
  for (int64_t first = 0; first < tiles; first += size) {
    const int64_t count = std::min(size, tiles - first);
    at::parallel_for(0, count, 8, [&](int64_t begin, int64_t end) {
      Vector out[kFrequencies];
      for (int64_t t = begin; t < end; t++) {
        const Window<kWindow> window(x, grid, first + t, C, 1);
        for (int64_t c = 0; c < C; c += 8) {
          windowOf(window, c, out);
          for (int64_t f = 0; f < kFrequencies; f++) {
            float* to = vs + f * rowsV + c * size + t * 4;
            _mm_storeu_ps(to, _mm256_castps256_ps128(out[f]));
            _mm_storeu_ps(to + 4 * size, _mm256_extractf128_ps(out[f], 1));
          }
        }
        const Window<kTile> gradient(dy, grid, first + t, K, 0);
        for (int64_t k = 0; k < K; k += 8) {
          gradientOf(gradient, k, out);
          for (int64_t f = 0; f < kFrequencies; f++)
            _mm256_storeu_ps(ms + f * rowsM + (k & ~int64_t{15}) * size + t * kPanel + (k & 8), out[f]);
        }
      }
    });
    const int64_t panels = K / kPanel;
    at::parallel_for(0, kFrequencies * panels, 1, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; task++) {
        const int64_t f = task / panels, k = task % panels * kPanel;
        for (int64_t c = 0; c < C; c += 4)
          accumulate(vs + f * rowsV + c * size, ms + f * rowsM + k * size, count, us + (f * C + c) * K + k, K);
      }
    });
  }
  float* to = dw.data_ptr<float>();
  const int64_t sk = dw.stride(0), sc = dw.stride(1), sr = dw.stride(2), ss = dw.stride(3);
  at::parallel_for(0, C, 1, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; c++) {
      for (int64_t k = 0; k < K; k += 8) {
        Vector u[kFrequencies], t[18], out[9];
        for (int64_t f = 0; f < kFrequencies; f++) u[f] = _mm256_loadu_ps(us + (f * C + c) * K + k);
#pragma GCC unroll 6
        for (int64_t j = 0; j < kWindow; j++) gradientOutOfFrequencies(u + j, kWindow, t + j, kWindow);
        for (int64_t r = 0; r < 3; r++) gradientOutOfFrequencies(t + r * kWindow, 1, out + r * 3, 1);
        for (int64_t r = 0; r < 3; r++) {
          for (int64_t s = 0; s < 3; s++) {
            alignas(32) float values[8];
            _mm256_store_ps(values, out[r * 3 + s]);
            for (int64_t i = 0; i < 8; i++) to[(k + i) * sk + c * sc + r * sr + s * ss] = values[i];
          }
        }
      }
    }
  });
}

#pragma GCC pop_options
#else
void convolve(const float*, const Grid&, const Weights&, const float*, float*) {}
void weightGradient(const float*, const float*, const Grid&, int64_t, int64_t, at::Tensor&) {}
#endif

at::Tensor channelsLast(const at::Tensor& t) { return t.contiguous(at::MemoryFormat::ChannelsLast); }

at::Tensor emptyMap(const at::Tensor& like, int64_t channels) {
  return at::empty({like.size(0), channels, like.size(2), like.size(3)},
                   like.options().memory_format(at::MemoryFormat::ChannelsLast));
}

Grid gridOf(const at::Tensor& map) { return Grid(map.size(0), map.size(2), map.size(3)); }

at::Tensor conv3x3(const at::Tensor& input, const at::Tensor& weight, const OptionalTensor& bias) {
  checkShapes(input, weight);
  const bool biased = bias.has_value() && bias->defined();
  TORCH_CHECK(!biased || (bias->dim() == 1 && bias->size(0) == weight.size(0) && bias->scalar_type() == at::kFloat),
              "conv3x3: a bias is float32 [K]");
  const at::Tensor x = channelsLast(input);
  const at::Tensor shift = biased ? bias->contiguous() : at::Tensor();
  at::Tensor y = emptyMap(input, weight.size(0));
  if (y.numel() > 0)
    convolve(x.data_ptr<float>(), gridOf(input), forwardWeights(weight), biased ? shift.data_ptr<float>() : nullptr,
             y.data_ptr<float>());
  return y;
}

at::Tensor conv3x3InputGradient(const at::Tensor& gradient, const at::Tensor& weight) {
  const at::Tensor dy = channelsLast(gradient);
  at::Tensor dx = emptyMap(gradient, weight.size(1));
  if (dx.numel() > 0)
    convolve(dy.data_ptr<float>(), gridOf(gradient), turnedWeights(weight), nullptr, dx.data_ptr<float>());
  return dx;
}

at::Tensor conv3x3WeightGradient(const at::Tensor& gradient, const at::Tensor& input, const at::Tensor& weight) {
  const at::Tensor dy = channelsLast(gradient), x = channelsLast(input);
  at::Tensor dw = at::empty_like(weight);
  weightGradient(x.data_ptr<float>(), dy.data_ptr<float>(), gridOf(gradient), weight.size(1), weight.size(0), dw);
  return dw;
}

template <typename Signature>
auto operatorOf(const char* name) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, "").typed<Signature>();
}

class Conv3x3 : public torch::autograd::Function<Conv3x3> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& input, const at::Tensor& weight,
                            const OptionalTensor& bias) {
    static const auto op = operatorOf<decltype(conv3x3)>("reclmis::conv3x3");
    at::AutoDispatchBelowADInplaceOrView below;
    context->save_for_backward({input, weight});
    context->saved_data["biased"] = bias.has_value() && bias->defined();
    return op.call(input, weight, bias);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    static const auto toInput = operatorOf<decltype(conv3x3InputGradient)>("reclmis::conv3x3_input_gradient");
    static const auto toWeight = operatorOf<decltype(conv3x3WeightGradient)>("reclmis::conv3x3_weight_gradient");
    const auto saved = context->get_saved_variables();
    const at::Tensor &input = saved[0], &weight = saved[1], gradient = channelsLast(gradients[0]);
    at::AutoDispatchBelowADInplaceOrView below;
    return {input.requires_grad() ? toInput.call(gradient, weight) : at::Tensor(),
            weight.requires_grad() ? toWeight.call(gradient, input, weight) : at::Tensor(),
            context->saved_data["biased"].toBool() ? gradient.sum({0, 2, 3}) : at::Tensor()};
  }
};

at::Tensor conv3x3WithGradient(const at::Tensor& input, const at::Tensor& weight, const OptionalTensor& bias) {
  return Conv3x3::apply(input, weight, bias);
}

}  // namespace

TORCH_LIBRARY(reclmis, library) {
  library.def("conv3x3(Tensor input, Tensor weight, Tensor? bias) -> Tensor");
  library.def("conv3x3_input_gradient(Tensor gradient, Tensor weight) -> Tensor");
  library.def("conv3x3_weight_gradient(Tensor gradient, Tensor input, Tensor weight) -> Tensor");
}

TORCH_LIBRARY_IMPL(reclmis, CPU, library) {
  library.impl("conv3x3", conv3x3);
  library.impl("conv3x3_input_gradient", conv3x3InputGradient);
  library.impl("conv3x3_weight_gradient", conv3x3WeightGradient);
}

TORCH_LIBRARY_IMPL(reclmis, Autograd, library) { library.impl("conv3x3", conv3x3WithGradient); }

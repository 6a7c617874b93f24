// Winograd's kernels over a vector type. Each including file (`winograd_avx2.cc`, `winograd_avx512.cc`) first
// defines, in its anonymous namespace, `Vector` and the number of rows of sums in registers; hence no
// `#pragma once` and no includes here. Arithmetic is float32; maps hold `Element`, float or bfloat16.

using reclmis::winograd::Grid;
using reclmis::winograd::kFrequencies;
using reclmis::winograd::kTile;
using reclmis::winograd::kWindow;
using reclmis::winograd::Weights;

constexpr int64_t kPad = 16;            // floats between rows and frequencies, to avoid cache conflicts

inline Vector scaled(float k, Vector a) { return multiply(same(k), a); }
// a + k b
inline Vector plus(Vector a, float k, Vector b) { return multiplyAdd(same(k), b, a); }

// Interpolation at 0, +-kNear, +-kFar and infinity. The usual 1 and 2 have 2.2 times the rounding error (rms,
// docs/measurements/performance.md).
constexpr float kNear = 5.0F / 8, kFar = 3.0F / 2;
constexpr float kNear2 = kNear * kNear, kFar2 = kFar * kFar;
constexpr float kNear3 = kNear2 * kNear, kFar3 = kFar2 * kFar;
// Divisors of G's rows.
constexpr float kAtZero = 1 / (kNear2 * kFar2);
constexpr float kAtNear = 1 / (2 * kNear2 * (kNear2 - kFar2)), kAtFar = 1 / (2 * kFar2 * (kFar2 - kNear2));

// B' along one axis: 6 -> 6.
inline void intoFrequencies(const Vector* d, int64_t step, Vector* t, int64_t to) {
  const Vector nearEven = plus(d[4 * step], -kFar2, d[2 * step]), nearOdd = plus(d[3 * step], -kFar2, d[1 * step]);
  const Vector farEven = plus(d[4 * step], -kNear2, d[2 * step]), farOdd = plus(d[3 * step], -kNear2, d[1 * step]);
  t[0] = plus(plus(d[4 * step], -(kNear2 + kFar2), d[2 * step]), kNear2 * kFar2, d[0]);
  t[1 * to] = plus(nearEven, kNear, nearOdd);
  t[2 * to] = plus(nearEven, -kNear, nearOdd);
  t[3 * to] = plus(farEven, kFar, farOdd);
  t[4 * to] = plus(farEven, -kFar, farOdd);
  t[5 * to] = plus(plus(d[5 * step], -(kNear2 + kFar2), d[3 * step]), kNear2 * kFar2, d[1 * step]);
}

// A' along one axis: 6 -> 4.
inline void outOfFrequencies(const Vector* m, int64_t step, Vector* y, int64_t to) {
  const Vector nearSum = add(m[1 * step], m[2 * step]), nearDifference = subtract(m[1 * step], m[2 * step]);
  const Vector farSum = add(m[3 * step], m[4 * step]), farDifference = subtract(m[3 * step], m[4 * step]);
  y[0] = add(add(m[0], nearSum), farSum);
  y[1 * to] = plus(scaled(kNear, nearDifference), kFar, farDifference);
  y[2 * to] = plus(scaled(kNear2, nearSum), kFar2, farSum);
  y[3 * to] = plus(plus(m[5 * step], kNear3, nearDifference), kFar3, farDifference);
}

// A along one axis: 4 -> 6.
inline void gradientIntoFrequencies(const Vector* y, int64_t step, Vector* m, int64_t to) {
  const Vector nearEven = plus(y[0], kNear2, y[2 * step]), nearOdd = plus(y[1 * step], kNear2, y[3 * step]);
  const Vector farEven = plus(y[0], kFar2, y[2 * step]), farOdd = plus(y[1 * step], kFar2, y[3 * step]);
  m[0] = y[0];
  m[1 * to] = plus(nearEven, kNear, nearOdd);
  m[2 * to] = plus(nearEven, -kNear, nearOdd);
  m[3 * to] = plus(farEven, kFar, farOdd);
  m[4 * to] = plus(farEven, -kFar, farOdd);
  m[5 * to] = y[3 * step];
}

// G along one axis: 3 -> 6.
inline void weightsIntoFrequencies(const Vector* w, int64_t step, Vector* u, int64_t to) {
  const Vector nearEven = plus(w[0], kNear2, w[2 * step]), farEven = plus(w[0], kFar2, w[2 * step]);
  const Vector middle = w[step];
  u[0] = scaled(kAtZero, w[0]);
  u[1 * to] = scaled(kAtNear, plus(nearEven, kNear, middle));
  u[2 * to] = scaled(kAtNear, plus(nearEven, -kNear, middle));
  u[3 * to] = scaled(kAtFar, plus(farEven, kFar, middle));
  u[4 * to] = scaled(kAtFar, plus(farEven, -kFar, middle));
  u[5 * to] = w[2 * step];
}

// G' along one axis: 6 -> 3.
inline void gradientOutOfFrequencies(const Vector* u, int64_t step, Vector* w, int64_t to) {
  const Vector nearSum = scaled(kAtNear, add(u[1 * step], u[2 * step]));
  const Vector nearDifference = scaled(kAtNear, subtract(u[1 * step], u[2 * step]));
  const Vector farSum = scaled(kAtFar, add(u[3 * step], u[4 * step]));
  const Vector farDifference = scaled(kAtFar, subtract(u[3 * step], u[4 * step]));
  w[0] = add(plus(nearSum, kAtZero, u[0]), farSum);
  w[1 * to] = plus(scaled(kNear, nearDifference), kFar, farDifference);
  w[2 * to] = plus(plus(u[5 * step], kNear2, nearSum), kFar2, farSum);
}

// Addresses of a map's `Side` x `Side` window; pixels outside are at `zeros`, with as many channels.
template <int64_t Side, typename Element>
struct Window {
  const Element* at[Side * Side];

  Window(const Element* map, const Grid& grid, int64_t tile, int64_t channels, int64_t margin, const Element* zeros) {
    const int64_t column = tile % grid.across, row = tile / grid.across % grid.down, image = tile / (grid.across * grid.down);
    const int64_t top = row * kTile - margin, left = column * kTile - margin;
    const Element* base = map + ((image * grid.height + top) * grid.width + left) * channels;
    const bool inside = top >= 0 && top + Side <= grid.height && left >= 0 && left + Side <= grid.width;
    for (int64_t i = 0; i < Side; i++) {
      const bool here = top + i >= 0 && top + i < grid.height;
      for (int64_t j = 0; j < Side; j++) {
        const bool there = here && left + j >= 0 && left + j < grid.width;
        at[i * Side + j] = inside || there ? base + (i * grid.width + j) * channels : zeros;
      }
    }
  }
};

// Transforms `kLanes` channels of a 6x6 window; calls `write(row, six vectors)` for each row of frequencies.
template <typename Element, typename Write>
inline void windowOf(const Window<kWindow, Element>& window, int64_t c, Write write) {
  Vector t[kFrequencies];
#pragma GCC unroll 6
  for (int64_t j = 0; j < kWindow; j++) {
    Vector d[kWindow];
#pragma GCC unroll 6
    for (int64_t i = 0; i < kWindow; i++) d[i] = load(window.at[i * kWindow + j] + c);
    intoFrequencies(d, 1, t + j, kWindow);
  }
#pragma GCC unroll 6
  for (int64_t i = 0; i < kWindow; i++) {
    Vector out[kWindow];
    intoFrequencies(t + i * kWindow, 1, out, 1);
    write(i, out);
  }
}

// Transforms `kLanes` channels of the gradient of 4x4 outputs likewise; returns their sum.
template <typename Element, typename Write>
inline Vector gradientOf(const Window<kTile, Element>& window, int64_t k, Write write) {
  Vector t[kWindow * kTile], sum = zero();
#pragma GCC unroll 6
  for (int64_t j = 0; j < kTile; j++) {
    Vector d[kTile];
#pragma GCC unroll 6
    for (int64_t i = 0; i < kTile; i++) d[i] = load(window.at[i * kTile + j] + k);
    sum = add(sum, add(add(d[0], d[1]), add(d[2], d[3])));
    gradientIntoFrequencies(d, 1, t + j, kTile);
  }
#pragma GCC unroll 6
  for (int64_t i = 0; i < kWindow; i++) {
    Vector out[kWindow];
    gradientIntoFrequencies(t + i * kTile, 1, out, 1);
    write(i, out);
  }
  return sum;
}

constexpr int64_t kSide = 16;  // side of a square of weights: whole cache lines

// Floats between frequencies of U or its gradient.
inline int64_t frequencyOf(const Weights& w) { return w.outputs * w.inputs + kPad; }

// kSide inputs of kLanes outputs at one of the 3x3 places, as rows of outputs.
inline void readSquare(const float* from, const Weights& w, float* to) {
  for (int64_t i = 0; i < kSide; i++) {
    if (w.so == 1) store(to + i * kLanes, load(from + i * w.si));
    else if (w.si != 1) for (int64_t k = 0; k < kLanes; k++) to[i * kLanes + k] = from[k * w.so + i * w.si];
  }
  if (w.so == 1 || w.si != 1) return;
  for (int64_t k = 0; k < kLanes; k += 8) {
    for (int64_t i = 0; i < kSide; i += 8) reclmis::transpose8(from + k * w.so + i, w.so, to + i * kLanes + k, kLanes);
  }
}

// U as panels [f][outputs / kPanel][inputs][kPanel].
at::Tensor transformWeights(const Weights& w) {
  const int64_t frequency = frequencyOf(w), panels = (w.outputs + kPanel - 1) / kPanel, squares = w.inputs / kSide;
  at::Tensor u = at::empty({kFrequencies * frequency}, at::kFloat);
  float* to = u.data_ptr<float>();
  at::parallel_for(0, panels * squares, 1, [&](int64_t begin, int64_t end) {
    alignas(sizeof(Vector)) float values[2][9][kSide * kLanes];
    for (int64_t task = begin; task < end; task++) {
      const int64_t first = task / squares * kPanel, input = task % squares * kSide, width = panelWidth(w.outputs, first);
      for (int64_t half = 0; half * kLanes < width; half++) {
        const float* from = w.base + (first + half * kLanes) * w.so + input * w.si;
        for (int64_t r = 0; r < 3; r++) {
          for (int64_t s = 0; s < 3; s++) readSquare(from + r * w.sr + s * w.ss, w, values[half][r * 3 + s]);
        }
      }
      float* panel = to + first * w.inputs + input * width;
      for (int64_t i = 0; i < kSide; i++) {
        for (int64_t half = 0; half * kLanes < width; half++) {
          Vector g[9], t[18], out[kFrequencies];
#pragma GCC unroll 9
          for (int64_t s = 0; s < 9; s++) g[s] = load(values[half][s] + i * kLanes);
#pragma GCC unroll 6
          for (int64_t s = 0; s < 3; s++) weightsIntoFrequencies(g + s, 3, t + s, 3);
#pragma GCC unroll 6
          for (int64_t f = 0; f < kWindow; f++) weightsIntoFrequencies(t + f * 3, 1, out + f * kWindow, 1);
          for (int64_t f = 0; f < kFrequencies; f++) store(panel + f * frequency + i * width + half * kLanes, out[f]);
        }
      }
    }
  });
  return u;
}

// A tile's outputs inside the map, from m[f * frequency + k].
template <typename Element>
void writeTile(const float* m, int64_t frequency, const Grid& grid, int64_t tile, int64_t outputs, const float* bias, float least, Element* y) {
  const int64_t column = tile % grid.across, row = tile / grid.across % grid.down, image = tile / (grid.across * grid.down);
  const int64_t rows = std::min(kTile, grid.height - row * kTile), columns = std::min(kTile, grid.width - column * kTile);
  Element* base = y + ((image * grid.height + row * kTile) * grid.width + column * kTile) * outputs;
  const Vector floor = same(least);
  for (int64_t k = 0; k < outputs; k += kLanes) {
    const Vector shift = bias == nullptr ? zero() : load(bias + k);
    Vector t[kTile * kWindow];
#pragma GCC unroll 6
    for (int64_t j = 0; j < kWindow; j++) {
      Vector d[kWindow];
#pragma GCC unroll 6
      for (int64_t i = 0; i < kWindow; i++) d[i] = load(m + (i * kWindow + j) * frequency + k);
      outOfFrequencies(d, 1, t + j, kWindow);
    }
#pragma GCC unroll 4
    for (int64_t i = 0; i < kTile; i++) {
      if (i >= rows) break;
      Vector out[kTile];
      outOfFrequencies(t + i * kWindow, 1, out, 1);
      Element* to = base + i * grid.width * outputs + k;
#pragma GCC unroll 4
      for (int64_t j = 0; j < kTile; j++) {
        if (j < columns) store(to + j * outputs, largest(floor, add(out[j], shift)));
      }
    }
  }
}

inline int64_t roundedUp(int64_t n, int64_t step) { return (n + step - 1) / step * step; }

// Tiles per thread: V and M should stay in its cache, but deep layers' large U needs many tiles per reading.
int64_t tilesAtOnce(int64_t tiles, int64_t channels) {
  constexpr int64_t kCache = 400 << 10, kLeast = 24, kMost = 96;
  const int64_t fit = kCache / (kFrequencies * int64_t{sizeof(float)} * channels);
  const int64_t wanted = fit >= kLeast ? std::min(fit, kMost) : kMost;
  const int64_t threads = at::get_num_threads();
  const int64_t even = roundedUp((tiles + wanted - 1) / wanted, threads);
  const int64_t size = (tiles + even - 1) / even;
  return roundedUp(size, size > kRows ? kRows : kFew);
}

template <typename Element>
void convolve(const Element* x, const Grid& grid, const Weights& w, const float* u, const float* bias, float least, Element* y) {
  const int64_t frequencyU = frequencyOf(w);
  const at::Tensor outside = at::zeros({w.inputs}, c10::CppTypeToScalarType<Element>::value);
  const Element* zeros = outside.data_ptr<Element>();
  const int64_t tiles = grid.tiles(), size = tilesAtOnce(tiles, w.inputs + w.outputs), chunks = (tiles + size - 1) / size;
  const int64_t rowV = w.inputs + kPad, rowM = w.outputs + kPad;
  const int64_t frequencyV = size * rowV + kPad, frequencyM = size * rowM + kPad, share = kFrequencies * (frequencyV + frequencyM);
  const at::Tensor scratch = at::empty({at::get_num_threads() * share}, at::kFloat);
  at::parallel_for(0, chunks, 1, [&](int64_t begin, int64_t end) {
    float* v = scratch.data_ptr<float>() + at::get_thread_num() * share;
    float* m = v + kFrequencies * frequencyV;
    for (int64_t chunk = begin; chunk < end; chunk++) {
      const int64_t first = chunk * size, count = std::min(size, tiles - first), rows = roundedUp(count, kFew);
      for (int64_t t = 0; t < count; t++) {
        const Window<kWindow, Element> window(x, grid, first + t, w.inputs, 1, zeros);
        for (int64_t c = 0; c < w.inputs; c += kLanes) {
          float* to = v + t * rowV + c;
          windowOf(window, c, [&](int64_t i, const Vector* out) {
#pragma GCC unroll 6
            for (int64_t j = 0; j < kWindow; j++) store(to + (i * kWindow + j) * frequencyV, out[j]);
          });
        }
      }
      for (int64_t f = 0; f < kFrequencies; f++) {
        std::fill(v + f * frequencyV + count * rowV, v + f * frequencyV + rows * rowV, 0.0F);
        product(v + f * frequencyV, rowV, u + f * frequencyU, rows, w.inputs, w.outputs, m + f * frequencyM, rowM);
      }
      for (int64_t t = 0; t < count; t++) writeTile(m + t * rowM, frequencyM, grid, first + t, w.outputs, bias, least, y);
    }
  });
}

// Panels of three vectors for a block of sums over K outputs; with kSums rows they fill the registers. The
// last one or two are narrower.
class SumPanels {
 public:
  explicit SumPanels(int64_t outputs) : vectors_(outputs / kLanes), wide_(vectors_ % 3 == 1 ? std::max<int64_t>(0, vectors_ / 3 - 1) : vectors_ / 3) {}

  int64_t count() const { return wide_ + (vectors_ - 3 * wide_ + 1) / 2; }
  int64_t startOf(int64_t k) const {
    const int64_t vector = k / kLanes, behind = vector - 3 * wide_;
    return kLanes * (behind < 0 ? vector / 3 * 3 : 3 * wide_ + behind / 2 * 2);
  }
  int64_t start(int64_t panel) const { return kLanes * (panel < wide_ ? 3 * panel : 3 * wide_ + 2 * (panel - wide_)); }
  int64_t width(int64_t start) const { return start < 3 * wide_ * kLanes ? 3 * kLanes : std::min(2 * kLanes, vectors_ * kLanes - start); }

 private:
  int64_t vectors_, wide_;
};

// Adds V' [kSums, tiles] x M [tiles, N vectors] to a block of sums, or writes it; v is a panel [tiles, kSums], m one
// [tiles, N vectors].
template <int N>
inline void accumulate(const float* v, const float* m, int64_t tiles, bool first, float* sums, int64_t row) {
  Vector s[kSums][N];
#pragma GCC unroll 16
  for (int r = 0; r < kSums; r++) {
#pragma GCC unroll 3
    for (int n = 0; n < N; n++) s[r][n] = first ? zero() : load(sums + r * row + n * kLanes);
  }
  for (int64_t t = 0; t < tiles; t++) {
    Vector b[N];
#pragma GCC unroll 3
    for (int n = 0; n < N; n++) b[n] = load(m + (t * N + n) * kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < kSums; r++) {
      const Vector a = same(v[t * kSums + r]);
#pragma GCC unroll 3
      for (int n = 0; n < N; n++) s[r][n] = multiplyAdd(a, b[n], s[r][n]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kSums; r++) {
#pragma GCC unroll 3
    for (int n = 0; n < N; n++) store(sums + r * row + n * kLanes, s[r][n]);
  }
}

void addRows(const float* m, int64_t tiles, int64_t width, float* sums) {
  for (int64_t k = 0; k < width; k += kLanes) {
    Vector sum = load(sums + k);
    for (int64_t t = 0; t < tiles; t++) sum = add(sum, load(m + t * width + k));
    store(sums + k, sum);
  }
}

// dw = G'[sums [36,C,K]]G
void writeWeights(const float* sums, const Weights& dw) {
  const int64_t K = dw.outputs, frequency = frequencyOf(dw), squares = K / kSide;
  at::parallel_for(0, dw.inputs / kSide * squares, 1, [&](int64_t begin, int64_t end) {
    alignas(sizeof(Vector)) float values[9][kSide * kSide];
    for (int64_t task = begin; task < end; task++) {
      const int64_t first = task / squares * kSide, output = task % squares * kSide;
      for (int64_t c = 0; c < kSide; c++) {
        for (int64_t k = 0; k < kSide; k += kLanes) {
          Vector u[kFrequencies], t[18], out[9];
          for (int64_t f = 0; f < kFrequencies; f++) u[f] = load(sums + f * frequency + (first + c) * K + output + k);
#pragma GCC unroll 6
          for (int64_t j = 0; j < kWindow; j++) gradientOutOfFrequencies(u + j, kWindow, t + j, kWindow);
          for (int64_t r = 0; r < 3; r++) gradientOutOfFrequencies(t + r * kWindow, 1, out + r * 3, 1);
          for (int64_t s = 0; s < 9; s++) store(values[s] + c * kSide + k, out[s]);
        }
      }
      for (int64_t s = 0; s < 9; s++) {
        float* to = dw.base + output * dw.so + first * dw.si + s / 3 * dw.sr + s % 3 * dw.ss;
        for (int64_t k = 0; k < kSide; k += 8) {
          for (int64_t c = 0; c < kSide; c += 8) {
            const float* from = values[s] + c * kSide + k;
            if (dw.si == 1) reclmis::transpose8(from, kSide, to + k * dw.so + c, dw.so);
            else for (int64_t i = 0; i < 64; i++) to[(k + i / 8) * dw.so + (c + i % 8) * dw.si] = from[i % 8 * kSide + i / 8];
          }
        }
      }
    }
  });
}

template <typename Element>
void weightGradient(const Element* x, const Element* dy, const Grid& grid, const Weights& dw, float* db) {
  constexpr int64_t kStage = 6 << 20;  // bytes of V and M
  const int64_t C = dw.inputs, K = dw.outputs, tiles = grid.tiles();
  const SumPanels panels(K);
  const int64_t fit = std::max<int64_t>(128, kStage / (kFrequencies * int64_t{sizeof(float)} * (C + K)));
  const int64_t stages = (tiles + fit - 1) / fit, size = (tiles + stages - 1) / stages;
  const int64_t frequencyV = size * C + kPad, frequencyM = size * K + kPad;
  const at::Tensor v = at::empty({kFrequencies * frequencyV}, at::kFloat), m = at::empty({(kFrequencies + 1) * frequencyM}, at::kFloat);  // last, the tiles' sums
  const at::Tensor sums = at::empty({kFrequencies * frequencyOf(dw)}, at::kFloat);
  const at::Tensor outside = at::zeros({std::max(C, K)}, c10::CppTypeToScalarType<Element>::value);
  const Element* zeros = outside.data_ptr<Element>();
  float *vs = v.data_ptr<float>(), *ms = m.data_ptr<float>(), *us = sums.data_ptr<float>();
  std::fill(db, db + K, 0.0F);
  for (int64_t first = 0; first < tiles; first += size) {
    const int64_t count = std::min(size, tiles - first);
    at::parallel_for(0, count, 8, [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; t++) {
        const Window<kWindow, Element> window(x, grid, first + t, C, 1, zeros);
        for (int64_t c = 0; c < C; c += kLanes) {
          float* to = vs + c * size + t * kSums;
          windowOf(window, c, [&](int64_t i, const Vector* out) {
#pragma GCC unroll 6
            for (int64_t j = 0; j < kWindow; j++) storeHalves(to + (i * kWindow + j) * frequencyV, kSums * size, out[j]);
          });
        }
        const Window<kTile, Element> gradient(dy, grid, first + t, K, 0, zeros);
        for (int64_t k = 0; k < K; k += kLanes) {
          const int64_t panel = panels.startOf(k);
          float* to = ms + panel * size + t * panels.width(panel) + k - panel;
          const Vector sum = gradientOf(gradient, k, [&](int64_t i, const Vector* out) {
#pragma GCC unroll 6
            for (int64_t j = 0; j < kWindow; j++) store(to + (i * kWindow + j) * frequencyM, out[j]);
          });
          store(to + kFrequencies * frequencyM, sum);
        }
      }
    });
    at::parallel_for(0, kFrequencies * panels.count(), 1, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; task++) {
        const int64_t f = task / panels.count(), k = panels.start(task % panels.count()), width = panels.width(k);
        const float* panel = ms + f * frequencyM + k * size;
        if (f == 0) addRows(ms + kFrequencies * frequencyM + k * size, count, width, db + k);
        for (int64_t c = 0; c < C; c += kSums) {
          const float* from = vs + f * frequencyV + c * size;
          float* to = us + f * frequencyOf(dw) + c * K + k;
          if (width == 3 * kLanes) accumulate<3>(from, panel, count, first == 0, to, K);
          else if (width == 2 * kLanes) accumulate<2>(from, panel, count, first == 0, to, K);
          else accumulate<1>(from, panel, count, first == 0, to, K);
        }
      }
    });
  }
  writeWeights(us, dw);
}

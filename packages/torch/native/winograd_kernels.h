// Winograd's kernels over a vector type. Each including file (`winograd_avx2.cc`, `winograd_avx512.cc`) first
// defines, in its anonymous namespace, `Vector` and the number of rows of sums in registers; hence no
// `#pragma once` and no includes here. Arithmetic is float32; maps hold `Element`, float or bfloat16.

using reclmis::winograd::Corner;
using reclmis::winograd::Finish;
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

// Addresses of a tile's `Side` x `Side` window, `margin` pixels up and left of its outputs; pixels outside the map
// are at `zeros`, with as many channels.
template <int64_t Side, typename Element>
struct Window {
  const Element* at[Side * Side];

  Window(const Element* map, const Grid& grid, int64_t tile, int64_t channels, int64_t margin, const Element* zeros) {
    const Corner corner(grid, tile);
    const int64_t apart = grid.apart, top = corner.top - margin * apart, left = corner.left - margin * apart, reach = (Side - 1) * apart;
    const Element* base = map + ((corner.image * grid.height + top) * grid.width + left) * channels;
    const bool inside = top >= 0 && top + reach < grid.height && left >= 0 && left + reach < grid.width;
    for (int64_t i = 0; i < Side; i++) {
      const bool here = top + i * apart >= 0 && top + i * apart < grid.height;
      for (int64_t j = 0; j < Side; j++) {
        const bool there = here && left + j * apart >= 0 && left + j * apart < grid.width;
        at[i * Side + j] = inside || there ? base + (i * grid.width + j) * apart * channels : zeros;
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

// Channels `from` to `from + count` of a window as rows of [f][..][count], `frequency` floats between the f.
template <typename Element>
inline void transformWindow(const Window<kWindow, Element>& window, int64_t from, int64_t count, float* to, int64_t frequency) {
  for (int64_t c = 0; c < count; c += kLanes) {
    windowOf(window, from + c, [&](int64_t i, const Vector* out) {
#pragma GCC unroll 6
      for (int64_t j = 0; j < kWindow; j++) store(to + c + (i * kWindow + j) * frequency, out[j]);
    });
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

// kSide inputs, from `input`, of a panel of outputs, from `first`: rows of [f][..][kPanel], `frequency` floats between the f.
inline void transformSquare(const Weights& w, int64_t first, int64_t input, float* to, int64_t frequency) {
  alignas(sizeof(Vector)) float values[2][9][kSide * kLanes];
  const int64_t width = panelWidth(w.outputs, first);
  for (int64_t half = 0; half * kLanes < width; half++) {
    const float* from = w.base + (first + half * kLanes) * w.so + input * w.si;
    for (int64_t r = 0; r < 3; r++) {
      for (int64_t s = 0; s < 3; s++) readSquare(from + r * w.sr + s * w.ss, w, values[half][r * 3 + s]);
    }
  }
  for (int64_t i = 0; i < kSide; i++) {
    for (int64_t half = 0; half * kLanes < width; half++) {
      Vector g[9], t[18], out[kFrequencies];
#pragma GCC unroll 9
      for (int64_t s = 0; s < 9; s++) g[s] = load(values[half][s] + i * kLanes);
#pragma GCC unroll 6
      for (int64_t s = 0; s < 3; s++) weightsIntoFrequencies(g + s, 3, t + s, 3);
#pragma GCC unroll 6
      for (int64_t f = 0; f < kWindow; f++) weightsIntoFrequencies(t + f * 3, 1, out + f * kWindow, 1);
      for (int64_t f = 0; f < kFrequencies; f++) store(to + f * frequency + i * width + half * kLanes, out[f]);
    }
  }
}

// U as panels [f][outputs / kPanel][inputs][kPanel].
at::Tensor transformWeights(const Weights& w) {
  const int64_t frequency = frequencyOf(w), panels = (w.outputs + kPanel - 1) / kPanel, squares = w.inputs / kSide;
  at::Tensor u = at::empty({kFrequencies * frequency}, at::kFloat);
  float* to = u.data_ptr<float>();
  at::parallel_for(0, panels * squares, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; task++) {
      const int64_t first = task / squares * kPanel, input = task % squares * kSide;
      transformSquare(w, first, input, to + first * w.inputs + input * panelWidth(w.outputs, first), frequency);
    }
  });
  return u;
}

// A tile's outputs `from` to `to` of `outputs` inside the map, from m[f * frequency + k - from].
template <typename Element>
void writeTile(const float* m, int64_t frequency, const Grid& grid, int64_t tile, int64_t outputs, int64_t from, int64_t to, const Finish<Element>& finish,
               Element* y) {
  const Corner corner(grid, tile);
  const int64_t apart = grid.apart, first = ((corner.image * grid.height + corner.top) * grid.width + corner.left) * outputs;
  const Vector floor = same(finish.least);
  for (int64_t k = from; k < to; k += kLanes) {
    const Vector shift = finish.shift == nullptr ? zero() : load(finish.shift + k);
    Vector t[kTile * kWindow];
#pragma GCC unroll 6
    for (int64_t j = 0; j < kWindow; j++) {
      Vector d[kWindow];
#pragma GCC unroll 6
      for (int64_t i = 0; i < kWindow; i++) d[i] = load(m + (i * kWindow + j) * frequency + k - from);
      outOfFrequencies(d, 1, t + j, kWindow);
    }
#pragma GCC unroll 4
    for (int64_t i = 0; i < kTile; i++) {
      if (corner.top + i * apart >= grid.height) break;
      Vector out[kTile];
      outOfFrequencies(t + i * kWindow, 1, out, 1);
      const int64_t at = first + i * apart * grid.width * outputs + k;
#pragma GCC unroll 4
      for (int64_t j = 0; j < kTile; j++) {
        if (corner.left + j * apart >= grid.width) break;
        Vector sum = add(out[j], shift);
        if (finish.plus != nullptr) sum = add(sum, load(finish.plus + at + j * apart * outputs));
        store(y + at + j * apart * outputs, largest(floor, sum));
      }
    }
  }
}

inline int64_t roundedUp(int64_t n, int64_t step) { return (n + step - 1) / step * step; }

constexpr int64_t kMost = 96;  // tiles of a piece

// Pieces of work: V and M of one should stay in a thread's cache, but deep layers' large U needs many tiles per reading.
int64_t piecesOf(int64_t tiles, int64_t channels) {
  constexpr int64_t kCache = 400 << 10, kLeast = 24;
  const int64_t fit = kCache / (kFrequencies * int64_t{sizeof(float)} * channels);
  const int64_t wanted = fit >= kLeast ? std::min(fit, kMost) : kMost;
  return roundedUp((tiles + wanted - 1) / wanted, at::get_num_threads());
}

// V [36, tiles, C] and M [36, tiles, K] of some tiles.
struct Spectra {
  int64_t rowV, rowM, frequencyV, frequencyM;

  Spectra(int64_t tiles, const Weights& w)
      : rowV(w.inputs + kPad), rowM(w.outputs + kPad), frequencyV(tiles * rowV + kPad), frequencyM(tiles * rowM + kPad) {}
  int64_t size() const { return kFrequencies * (frequencyV + frequencyM); }
};

// All tiles at once, in three steps: U, larger than V and M, is read once and not by each thread.
template <typename Element>
void convolveFew(const Element* x, const Grid& grid, const Weights& w, const float* u, const Finish<Element>& finish, const Element* zeros, Element* y) {
  const int64_t tiles = grid.tiles(), rows = roundedUp(tiles, kFew), panels = (w.outputs + kPanel - 1) / kPanel;
  const Spectra at(rows, w);
  const at::Tensor scratch = at::empty({at.size()}, at::kFloat);
  float *v = scratch.data_ptr<float>(), *m = v + kFrequencies * at.frequencyV;
  at::parallel_for(0, rows, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; t++) {
      if (t < tiles) transformWindow(Window<kWindow, Element>(x, grid, t, w.inputs, 1, zeros), 0, w.inputs, v + t * at.rowV, at.frequencyV);
      else for (int64_t f = 0; f < kFrequencies; f++) std::fill_n(v + f * at.frequencyV + t * at.rowV, w.inputs, 0.0F);
    }
  });
  at::parallel_for(0, kFrequencies * panels, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; task++) {
      const int64_t f = task / panels, k = task % panels * kPanel;
      productByWeights(v + f * at.frequencyV, at.rowV, u + f * frequencyOf(w) + k * w.inputs, rows, w.inputs, panelWidth(w.outputs, k), m + f * at.frequencyM + k, at.rowM);
    }
  });
  at::parallel_for(0, tiles, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; t++) writeTile(m + t * at.rowM, at.frequencyM, grid, t, w.outputs, 0, w.outputs, finish, y);
  });
}

template <typename Element>
void convolve(const Element* x, const Grid& grid, const Weights& w, const float* u, const Finish<Element>& finish, Element* y) {
  const at::Tensor outside = at::zeros({w.inputs}, c10::CppTypeToScalarType<Element>::value);
  const Element* zeros = outside.data_ptr<Element>();
  const int64_t tiles = grid.tiles(), pieces = piecesOf(tiles, w.inputs + w.outputs), groups = (tiles + kFew - 1) / kFew;
  if (tiles <= kMost && 2 * tiles * (w.inputs + w.outputs) < (pieces - 1) * w.inputs * w.outputs) return convolveFew(x, grid, w, u, finish, zeros, y);
  const Spectra at((groups + pieces - 1) / pieces * kFew, w);
  const at::Tensor scratch = at::empty({at::get_num_threads() * at.size()}, at::kFloat);
  at::parallel_for(0, pieces, 1, [&](int64_t begin, int64_t end) {
    float *v = scratch.data_ptr<float>() + at::get_thread_num() * at.size(), *m = v + kFrequencies * at.frequencyV;
    for (int64_t piece = begin; piece < end; piece++) {
      const int64_t first = groups * piece / pieces * kFew, rows = groups * (piece + 1) / pieces * kFew - first, count = std::min(rows, tiles - first);
      for (int64_t t = 0; t < count; t++)
        transformWindow(Window<kWindow, Element>(x, grid, first + t, w.inputs, 1, zeros), 0, w.inputs, v + t * at.rowV, at.frequencyV);
      for (int64_t f = 0; f < kFrequencies; f++) {
        float* own = v + f * at.frequencyV;
        std::fill(own + count * at.rowV, own + rows * at.rowV, 0.0F);
        productByWeights(own, at.rowV, u + f * frequencyOf(w), rows, w.inputs, w.outputs, m + f * at.frequencyM, at.rowM);
      }
      for (int64_t t = 0; t < count; t++) writeTile(m + t * at.rowM, at.frequencyM, grid, first + t, w.outputs, 0, w.outputs, finish, y);
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

inline void accumulate(const float* v, const float* m, int64_t tiles, int64_t width, bool first, float* sums, int64_t row) {
  if (width == 3 * kLanes) accumulate<3>(v, m, tiles, first, sums, row);
  else if (width == 2 * kLanes) accumulate<2>(v, m, tiles, first, sums, row);
  else accumulate<1>(v, m, tiles, first, sums, row);
}

// Channels `from` to `from + count` of a tile's window for `accumulate`, with `size` tiles: panels [f][count / kSums][size][kSums].
template <typename Element>
inline void transformForSums(const Window<kWindow, Element>& window, int64_t from, int64_t count, int64_t size, float* to, int64_t frequency) {
  for (int64_t c = 0; c < count; c += kLanes) {
    windowOf(window, from + c, [&](int64_t i, const Vector* out) {
#pragma GCC unroll 6
      for (int64_t j = 0; j < kWindow; j++) storeHalves(to + c * size + (i * kWindow + j) * frequency, kSums * size, out[j]);
    });
  }
}

// Likewise of its gradient, for outputs `from` to `to`: panels [f][..][size][width], and last the tile's sums.
template <typename Element>
inline void transformGradient(const Window<kTile, Element>& window, const SumPanels& panels, int64_t from, int64_t to, int64_t tile, int64_t size, float* m,
                              int64_t frequency) {
  for (int64_t k = from; k < to; k += kLanes) {
    const int64_t panel = panels.startOf(k);
    float* at = m + (panel - from) * size + tile * panels.width(panel) + k - panel;
    const Vector sum = gradientOf(window, k, [&](int64_t i, const Vector* out) {
#pragma GCC unroll 6
      for (int64_t j = 0; j < kWindow; j++) store(at + (i * kWindow + j) * frequency, out[j]);
    });
    store(at + kFrequencies * frequency, sum);
  }
}

void addRows(const float* m, int64_t tiles, int64_t width, float* sums) {
  for (int64_t k = 0; k < width; k += kLanes) {
    Vector sum = load(sums + k);
    for (int64_t t = 0; t < tiles; t++) sum = add(sum, load(m + t * width + k));
    store(sums + k, sum);
  }
}

// A square of dw = G'[sums]G, of kSide inputs, from `input`, and outputs, from `output`; sums are rows of [f][..][outputs], `frequency` floats between the f.
inline void writeSquare(const float* sums, int64_t row, int64_t frequency, int64_t input, int64_t output, const Weights& dw) {
  alignas(sizeof(Vector)) float values[9][kSide * kSide];
  for (int64_t c = 0; c < kSide; c++) {
    for (int64_t k = 0; k < kSide; k += kLanes) {
      Vector u[kFrequencies], t[18], out[9];
      for (int64_t f = 0; f < kFrequencies; f++) u[f] = load(sums + f * frequency + c * row + k);
#pragma GCC unroll 6
      for (int64_t j = 0; j < kWindow; j++) gradientOutOfFrequencies(u + j, kWindow, t + j, kWindow);
      for (int64_t r = 0; r < 3; r++) gradientOutOfFrequencies(t + r * kWindow, 1, out + r * 3, 1);
      for (int64_t s = 0; s < 9; s++) store(values[s] + c * kSide + k, out[s]);
    }
  }
  for (int64_t s = 0; s < 9; s++) {
    float* to = dw.base + output * dw.so + input * dw.si + s / 3 * dw.sr + s % 3 * dw.ss;
    for (int64_t k = 0; k < kSide; k += 8) {
      for (int64_t c = 0; c < kSide; c += 8) {
        const float* from = values[s] + c * kSide + k;
        if (dw.si == 1) reclmis::transpose8(from, kSide, to + k * dw.so + c, dw.so);
        else for (int64_t i = 0; i < 64; i++) to[(k + i / 8) * dw.so + (c + i % 8) * dw.si] = from[i % 8 * kSide + i / 8];
      }
    }
  }
}

// dw from sums [36,C,K]
void writeWeights(const float* sums, const Weights& dw) {
  const int64_t K = dw.outputs, frequency = frequencyOf(dw), squares = K / kSide;
  at::parallel_for(0, dw.inputs / kSide * squares, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; task++) {
      const int64_t input = task / squares * kSide, output = task % squares * kSide;
      writeSquare(sums + input * K + output, K, frequency, input, output, dw);
    }
  });
}

template <typename Element>
void weightGradient(const Element* x, const Element* dy, const Grid& grid, const Weights& dw, float* db) {
  constexpr int64_t kStage = 1 << 20;  // bytes of V and M, but enough tiles for the sums that each stage reads and writes
  const int64_t C = dw.inputs, K = dw.outputs, tiles = grid.tiles();
  const SumPanels panels(K);
  const int64_t fit = std::max(std::min<int64_t>(128, (C + K) / 2), kStage / (kFrequencies * int64_t{sizeof(float)} * (C + K)));
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
        transformForSums(Window<kWindow, Element>(x, grid, first + t, C, 1, zeros), 0, C, size, vs + t * kSums, frequencyV);
        transformGradient(Window<kTile, Element>(dy, grid, first + t, K, 0, zeros), panels, 0, K, t, size, ms, frequencyM);
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
          accumulate(from, panel, count, width, first == 0, to, K);
        }
      }
    });
  }
  writeWeights(us, dw);
}

// Convolutions as matrix products over a vector type, of float32 maps with the channels last. Each including
// file (`convolution_avx2.cc`, `convolution_avx512.cc`) first includes its vectors and `products.h` in its
// anonymous namespace; hence no `#pragma once` and no includes here.

using reclmis::convolution::Finish;
using reclmis::convolution::Patches;
using reclmis::convolution::Target;
using reclmis::convolution::Weights;

constexpr int64_t kPad = 16;  // floats between rows, to avoid cache conflicts

inline int64_t roundedUp(int64_t n, int64_t step) { return (n + step - 1) / step * step; }

// to[0 .. inputs) = the patch of a place
inline void gather(const float* x, const Patches& p, int64_t place, float* to) {
  const int64_t column = place % p.columns, row = place / p.columns % p.rows, image = place / (p.columns * p.rows);
  const int64_t y = row * p.stepY + p.top, left = column * p.stepX + p.left, width = p.across * p.channels;
  const int64_t begin = std::clamp<int64_t>(-left, 0, p.across), end = std::clamp<int64_t>(p.width - left, begin, p.across);
  for (int64_t i = 0; i < p.down; i++, to += width) {
    if (y + i < 0 || y + i >= p.height || begin == end) {
      std::fill_n(to, width, 0.0F);
      continue;
    }
    std::fill_n(to, begin * p.channels, 0.0F);
    std::copy_n(x + ((image * p.height + y + i) * p.width + left + begin) * p.channels, (end - begin) * p.channels, to + begin * p.channels);
    std::fill(to + end * p.channels, to + width, 0.0F);
  }
}

// Panels [outputs / kPanel][patch][kPanel] for `product`; missing outputs are 0.
at::Tensor packWeights(const Weights& w) {
  const int64_t inner = w.down * w.across * w.inputs, padded = roundedUp(w.outputs, kLanes), panels = (padded + kPanel - 1) / kPanel;
  at::Tensor u = at::empty({inner * padded}, at::kFloat);
  float* to = u.data_ptr<float>();
  const int64_t taps = w.down * w.across;
  at::parallel_for(0, panels * taps, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; task++) {
      const int64_t k = task / taps * kPanel, tap = task % taps, width = panelWidth(padded, k), real = std::min(width, w.outputs - k);
      const float* from = w.base + k * w.so + tap / w.across * w.sr + tap % w.across * w.ss;
      float* panel = to + k * inner + tap * w.inputs * width;
      if (w.si == 1 && w.inputs % 8 == 0 && real == width) {
        for (int64_t i = 0; i < w.inputs; i += 8) {
          for (int64_t o = 0; o < width; o += 8) reclmis::transpose8(from + o * w.so + i, w.so, panel + i * width + o, width);
        }
        continue;
      }
      for (int64_t i = 0; i < w.inputs; i++) {
        if (w.so == 1 && real == width) {
          for (int64_t o = 0; o < width; o += kLanes) store(panel + i * width + o, load(from + i * w.si + o));
          continue;
        }
        for (int64_t o = 0; o < real; o++) panel[i * width + o] = from[o * w.so + i * w.si];
        std::fill(panel + i * width + real, panel + (i + 1) * width, 0.0F);
      }
    }
  });
  return u;
}

// Adds to sums of outputs `from` to `to`, clamps, and writes one pixel; y may be m.
inline void finishRow(const float* m, int64_t from, int64_t to, const Finish& finish, const float* plus, float* y) {
  const Vector least = same(finish.least);
  int64_t k = from;
  for (; k + kLanes <= to; k += kLanes) {
    Vector sum = load(m + k);
    if (finish.shift != nullptr) sum = add(sum, load(finish.shift + k));
    if (plus != nullptr) sum = add(sum, load(plus + k));
    store(y + k, largest(least, sum));
  }
  for (; k < to; k++) {
    const float sum = m[k] + (finish.shift == nullptr ? 0 : finish.shift[k]) + (plus == nullptr ? 0 : plus[k]);
    y[k] = sum < finish.least ? finish.least : sum;
  }
}

// Rows per piece of work: patches and results should stay in the second cache, but U is read once for each.
inline int64_t rowsAtOnce(int64_t rows, int64_t width) {
  constexpr int64_t kCache = 64 << 10, kLeast = 48;
  const int64_t wanted = std::max(kLeast, kCache / width);
  const int64_t pieces = std::max<int64_t>(1, (rows + wanted / 2) / wanted);
  return roundedUp((rows + pieces - 1) / pieces, kFew);
}

void convolve(const float* x, const Patches& p, const float* u, int64_t outputs, const Finish& finish, const Target& target) {
  const int64_t places = p.count(), inputs = p.inputs(), padded = roundedUp(outputs, kLanes), panels = (padded + kPanel - 1) / kPanel;
  const bool direct = p.whole(), inPlace = padded == outputs && target.whole(p);
  const bool finished = finish.shift != nullptr || finish.plus != nullptr || finish.least > -std::numeric_limits<float>::infinity();
  const int64_t size = rowsAtOnce(places, inputs + padded), pieces = (places + size - 1) / size, threads = at::get_num_threads();
  // Few pieces are shared out by outputs as well; no sum is cut.
  const int64_t groups = threads == 1 ? 1 : std::clamp<int64_t>(4 * threads / pieces, 1, panels);
  const int64_t rowV = direct ? inputs : roundedUp(inputs, kPad) + kPad;
  const int64_t shareV = direct ? 0 : size * rowV, share = shareV + (inPlace ? 0 : size * padded);
  const at::Tensor scratch = at::empty({threads * share}, at::kFloat);
  at::parallel_for(0, pieces * groups, 1, [&](int64_t begin, int64_t end) {
    float* v = scratch.data_ptr<float>() + at::get_thread_num() * share;
    int64_t gathered = -1;
    for (int64_t task = begin; task < end; task++) {
      const int64_t piece = task / groups, group = task % groups, first = piece * size, rows = std::min(size, places - first);
      const int64_t from = panels * group / groups * kPanel, to = std::min(padded, panels * (group + 1) / groups * kPanel);
      if (!direct && piece != gathered) {
        for (int64_t r = 0; r < rows; r++) gather(x, p, first + r, v + r * rowV);
        gathered = piece;
      }
      float* m = inPlace ? target.base + first * outputs : v + shareV;
      product(direct ? x + first * inputs : v, rowV, u + from * inputs, rows, inputs, to - from, m + from, padded);
      if (inPlace && !finished) continue;
      for (int64_t r = 0; r < rows; r++) {
        const int64_t pixel = (inPlace ? first + r : target.pixelOf(p, first + r)) * outputs;
        finishRow(m + r * padded, from, std::min(to, outputs), finish, finish.plus == nullptr ? nullptr : finish.plus + pixel,
                  target.base + pixel);
      }
    }
  });
}

// Inlined: most runs are too short for a call.
inline void copyRun(const float* from, int64_t count, float* to) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(to + i, load(from + i));
  for (; i < count; i++) to[i] = from[i];
}

constexpr int64_t kBand = 48;    // inputs of a piece of the weights' gradient
constexpr int64_t kChunk = 256;  // pixels summed before they are added to the rest

// sums [rows, columns] += or, at first, = V' U, of inner rows of two panels, v [inner][kBand] and u [inner][columns]
inline void addProduct(const float* v, const float* u, int64_t inner, int64_t rows, int64_t columns, bool first, float* sums, int64_t row) {
  if (first) return product<true>(v, kBand, u, rows, inner, columns, sums, row);
  alignas(64) float m[kBand * kPanel];
  product<true>(v, kBand, u, rows, inner, columns, m, kPanel);
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t k = 0; k < columns; k += kLanes) store(sums + r * row + k, add(load(sums + r * row + k), load(m + r * kPanel + k)));
  }
}

// db += of inner rows of a panel
inline void addRows(const float* u, int64_t inner, int64_t columns, float* sums) {
  for (int64_t k = 0; k < columns; k += kLanes) {
    Vector sum = zero();
    for (int64_t r = 0; r < inner; r++) sum = add(sum, load(u + r * columns + k));
    store(sums + k, add(load(sums + k), sum));
  }
}

// dw from sums [patch, padded]
inline void writeWeights(const float* sums, int64_t padded, const Weights& dw) {
  const int64_t taps = dw.down * dw.across;
  at::parallel_for(0, taps, 1, [&](int64_t begin, int64_t end) {
    for (int64_t tap = begin; tap < end; tap++) {
      const float* from = sums + tap * dw.inputs * padded;
      float* to = dw.base + tap / dw.across * dw.sr + tap % dw.across * dw.ss;
      if (dw.si == 1 && dw.inputs % 8 == 0 && dw.outputs % 8 == 0) {
        for (int64_t o = 0; o < dw.outputs; o += 8) {
          for (int64_t i = 0; i < dw.inputs; i += 8) reclmis::transpose8(from + i * padded + o, padded, to + o * dw.so + i, dw.so);
        }
        continue;
      }
      for (int64_t i = 0; i < dw.inputs; i++) {
        for (int64_t o = 0; o < dw.outputs; o++) to[o * dw.so + i * dw.si] = from[i * padded + o];
      }
    }
  });
}

void weightGradient(const float* x, const Patches& p, const float* dy, const Weights& dw, float* db) {
  constexpr int64_t kStage = 1 << 20;  // floats of patches and gradients that are packed at once
  const int64_t places = p.count(), inputs = p.inputs(), outputs = dw.outputs, padded = roundedUp(outputs, kLanes);
  const int64_t panels = (padded + kPanel - 1) / kPanel, bands = (inputs + kBand - 1) / kBand;
  const int64_t fit = std::max(2 * kChunk, kStage / (inputs + padded)), stages = (places + fit - 1) / fit, size = (places + stages - 1) / stages;
  const at::Tensor left = at::empty({bands * kBand * size}, at::kFloat), right = at::empty({padded * size}, at::kFloat);
  const at::Tensor sums = at::empty({inputs * padded}, at::kFloat), biases = at::zeros({padded}, at::kFloat);
  float *v = left.data_ptr<float>(), *u = right.data_ptr<float>(), *total = sums.data_ptr<float>(), *shifts = biases.data_ptr<float>();
  const bool direct = p.whole();
  for (int64_t first = 0; first < places; first += size) {
    const int64_t rows = std::min(size, places - first);
    at::parallel_for(0, rows, 16, [&](int64_t begin, int64_t end) {
      std::vector<float> patch(direct ? 0 : inputs);
      for (int64_t r = begin; r < end; r++) {
        if (!direct) gather(x, p, first + r, patch.data());
        const float* row = direct ? x + (first + r) * inputs : patch.data();
        for (int64_t i = 0; i < inputs; i += kBand) copyRun(row + i, std::min(kBand, inputs - i), v + i * size + r * kBand);
        for (int64_t k = 0; k < padded; k += kPanel) {
          const int64_t width = panelWidth(padded, k), real = std::min(width, outputs - k);
          float* to = u + k * size + r * width;
          copyRun(dy + (first + r) * outputs + k, real, to);
          for (int64_t o = real; o < width; o++) to[o] = 0;
        }
      }
    });
    at::parallel_for(0, panels * bands, 1, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; task++) {
        const int64_t k = task / bands * kPanel, i = task % bands * kBand, width = panelWidth(padded, k);
        for (int64_t r = 0; r < rows; r += kChunk) {
          const int64_t inner = std::min(kChunk, rows - r);
          const float* panel = u + k * size + r * width;
          if (i == 0) addRows(panel, inner, width, shifts + k);
          addProduct(v + i * size + r * kBand, panel, inner, std::min(kBand, inputs - i), width, first + r == 0, total + i * padded + k, padded);
        }
      }
    });
  }
  writeWeights(total, padded, dw);
  std::copy_n(shifts, outputs, db);
}

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

// Finishes outputs `from` to `to` of one pixel and writes them; y may be m.
template <bool Gelu>
inline void finishRow(const float* m, int64_t from, int64_t to, const Finish& finish, const float* plus, float* y) {
  const Vector least = same(finish.least);
  const auto finished = [&](const float* sums, const float* shift, const float* other) {
    Vector sum = load(sums);
    if (shift != nullptr) sum = add(sum, load(shift));
    if (other != nullptr) sum = add(sum, load(other));
    sum = largest(least, sum);
    return Gelu ? gelu(sum) : sum;
  };
  int64_t k = from;
  for (; k + kLanes <= to; k += kLanes) {
    store(y + k, finished(m + k, finish.shift == nullptr ? nullptr : finish.shift + k, plus == nullptr ? nullptr : plus + k));
  }
  if (k == to) return;
  float sums[kLanes] = {}, shift[kLanes] = {}, other[kLanes] = {};
  std::copy(m + k, m + to, sums);
  if (finish.shift != nullptr) std::copy(finish.shift + k, finish.shift + to, shift);
  if (plus != nullptr) std::copy(plus + k, plus + to, other);
  store(sums, finished(sums, shift, other));
  std::copy_n(sums, to - k, y + k);
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
  const bool finished = finish.shift != nullptr || finish.plus != nullptr || finish.gelu || finish.least > -std::numeric_limits<float>::infinity();
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
      productByWeights(direct ? x + first * inputs : v, rowV, u + from * inputs, rows, inputs, to - from, m + from, padded);
      if (inPlace && !finished) continue;
      for (int64_t r = 0; r < rows; r++) {
        const int64_t pixel = (inPlace ? first + r : target.pixelOf(p, first + r)) * outputs;
        const float* plus = finish.plus == nullptr ? nullptr : finish.plus + pixel;
        if (finish.gelu) finishRow<true>(m + r * padded, from, std::min(to, outputs), finish, plus, target.base + pixel);
        else finishRow<false>(m + r * padded, from, std::min(to, outputs), finish, plus, target.base + pixel);
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

// `width` numbers, of which so many are given; the others are 0.
inline void copyPadded(const float* from, int64_t given, int64_t width, float* to) {
  const int64_t count = std::min(given, width);
  copyRun(from, count, to);
  for (int64_t i = count; i < width; i++) to[i] = 0;
}

constexpr int64_t kBand = 48;    // outputs of a piece of the weights' gradient
constexpr int64_t kChunk = 128;  // pixels summed before they are added to the rest

// sums [rows, columns] += or, at first, = V' U, of inner rows of two panels, v [inner][kBand] and u [inner][columns]
inline void addProduct(const float* v, const float* u, int64_t inner, int64_t rows, int64_t columns, bool first, float* sums, int64_t row) {
  if (first) return product<true>(v, kBand, u, rows, inner, columns, sums, row);
  alignas(64) float m[kBand * kPanel];
  product<true>(v, kBand, u, rows, inner, columns, m, kPanel);
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t k = 0; k < columns; k += kLanes) store(sums + r * row + k, add(load(sums + r * row + k), load(m + r * kPanel + k)));
  }
}

// sums [kBand] += of inner rows of v
inline void addRows(const float* v, int64_t inner, float* sums) {
  for (int64_t k = 0; k < kBand; k += kLanes) {
    Vector sum = zero();
    for (int64_t r = 0; r < inner; r++) sum = add(sum, load(v + r * kBand + k));
    store(sums + k, add(load(sums + k), sum));
  }
}

// Whether an output's weights are a patch in memory, whole vectors long.
inline bool isRows(const Weights& w) {
  return w.si == 1 && (w.across == 1 || w.ss == w.inputs) && (w.down == 1 || w.sr == w.across * w.inputs) && w.down * w.across * w.inputs % kLanes == 0;
}

// dw from sums [outputs, row]
inline void writeWeights(const float* sums, int64_t row, const Weights& dw) {
  at::parallel_for(0, dw.outputs, 16, [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; o++) {
      for (int64_t tap = 0; tap < dw.down * dw.across; tap++) {
        const float* from = sums + o * row + tap * dw.inputs;
        float* to = dw.base + o * dw.so + tap / dw.across * dw.sr + tap % dw.across * dw.ss;
        for (int64_t i = 0; i < dw.inputs; i++) to[i * dw.si] = from[i];
      }
    }
  });
}

// Pixels of patches and gradients are packed in stages that stay in the second cache, and multiplied: dw [outputs, patch] = sum of dy' x patches.
void weightGradient(const float* x, const Patches& p, const float* dy, const Weights& dw, float* db) {
  constexpr int64_t kStage = 1 << 18;  // floats
  const int64_t places = p.count(), inputs = p.inputs(), outputs = dw.outputs, padded = roundedUp(inputs, kLanes);
  const int64_t panels = (padded + kPanel - 1) / kPanel, bands = (outputs + kBand - 1) / kBand;
  const int64_t fit = std::max(2 * kChunk, kStage / (padded + outputs)), stages = (places + fit - 1) / fit, size = (places + stages - 1) / stages;
  const bool inPlace = isRows(dw), direct = p.whole();
  const at::Tensor left = at::empty({bands * kBand * size}, at::kFloat), right = at::empty({padded * size}, at::kFloat);
  const at::Tensor sums = at::empty({inPlace ? 0 : outputs * padded}, at::kFloat), biases = at::zeros({bands * kBand}, at::kFloat);
  float *v = left.data_ptr<float>(), *u = right.data_ptr<float>(), *shifts = biases.data_ptr<float>();
  float* total = inPlace ? dw.base : sums.data_ptr<float>();
  const int64_t row = inPlace ? dw.so : padded;
  for (int64_t first = 0; first < places; first += size) {
    const int64_t rows = std::min(size, places - first);
    at::parallel_for(0, rows, 16, [&](int64_t begin, int64_t end) {
      std::vector<float> patch(direct ? 0 : inputs);
      for (int64_t r = begin; r < end; r++) {
        if (!direct) gather(x, p, first + r, patch.data());
        const float* from = direct ? x + (first + r) * inputs : patch.data();
        for (int64_t i = 0; i < padded; i += kPanel) copyPadded(from + i, inputs - i, panelWidth(padded, i), u + i * size + r * panelWidth(padded, i));
        for (int64_t o = 0; o < outputs; o += kBand) copyPadded(dy + (first + r) * outputs + o, outputs - o, kBand, v + o * size + r * kBand);
      }
    });
    at::parallel_for(0, panels * bands, 1, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; task++) {
        const int64_t i = task / bands * kPanel, o = task % bands * kBand, width = panelWidth(padded, i);
        for (int64_t r = 0; r < rows; r += kChunk) {
          const int64_t inner = std::min(kChunk, rows - r);
          const float* band = v + o * size + r * kBand;
          if (i == 0) addRows(band, inner, shifts + o);
          addProduct(band, u + i * size + r * width, inner, std::min(kBand, outputs - o), width, first + r == 0, total + o * row + i, row);
        }
      }
    });
  }
  if (!inPlace) writeWeights(total, row, dw);
  std::copy_n(shifts, outputs, db);
}

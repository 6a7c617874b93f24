// Winograd's kernels for few tiles and many weights. All weights in frequencies are four times as large: writing and reading them would take longer
// than the products. Here blocks of maps and weights are transformed where they are multiplied, once for each block that they meet, and stay in cache.
// Included after `winograd_kernels.h`, in the same way.

constexpr int64_t kBlockTiles = 128, kBlockOutputs = 64, kBlockInputs = 32;  // of `convolveInBlocks`
constexpr int64_t kBandInputs = 64, kBandPanels = 2;                          // of `weightGradientInBlocks`

// Equal parts, multiples of `step`, of at most about `most`.
struct Parts {
  int64_t length, size;
  Parts(int64_t length, int64_t most, int64_t step) : length(length) {
    const int64_t parts = (length + most - 1) / most;
    size = roundedUp((length + parts - 1) / parts, step);
  }
  int64_t count() const { return (length + size - 1) / size; }
  int64_t begin(int64_t part) const { return part * size; }
  int64_t end(int64_t part) const { return std::min(length, (part + 1) * size); }
};

template <typename Element>
void convolveInBlocks(const Element* x, const Grid& grid, const Weights& w, const Finish<Element>& finish, Element* y) {
  const bool many = w.outputs * grid.tiles() >= kBlockOutputs * kBlockTiles * at::get_num_threads();
  const Parts tiles(grid.tiles(), kBlockTiles, kFew), outputs(w.outputs, many ? kBlockOutputs : kPanel, kPanel), inputs(w.inputs, kBlockInputs, kSide);
  const int64_t rowV = inputs.size + kPad, rowM = outputs.size + kPad;
  const int64_t frequencyV = tiles.size * rowV + kPad, frequencyU = inputs.size * outputs.size + kPad, frequencyM = tiles.size * rowM + kPad;
  const int64_t share = kFrequencies * (frequencyV + frequencyU + frequencyM);
  const at::Tensor scratch = at::empty({at::get_num_threads() * share}, at::kFloat);
  const at::Tensor outside = at::zeros({w.inputs}, c10::CppTypeToScalarType<Element>::value);
  const Element* zeros = outside.data_ptr<Element>();
  at::parallel_for(0, tiles.count() * outputs.count(), 1, [&](int64_t begin, int64_t end) {
    float* v = scratch.data_ptr<float>() + at::get_thread_num() * share;
    float *u = v + kFrequencies * frequencyV, *m = u + kFrequencies * frequencyU;
    for (int64_t task = begin; task < end; task++) {
      const int64_t tile = tiles.begin(task / outputs.count()), rows = tiles.end(task / outputs.count()) - tile;
      const int64_t output = outputs.begin(task % outputs.count()), columns = outputs.end(task % outputs.count()) - output;
      for (int64_t part = 0; part < inputs.count(); part++) {
        const int64_t input = inputs.begin(part), inner = inputs.end(part) - input, padded = roundedUp(rows, kFew);
        for (int64_t t = 0; t < rows; t++)
          transformWindow(Window<kWindow, Element>(x, grid, tile + t, w.inputs, 1, zeros), input, inner, v + t * rowV, frequencyV);
        for (int64_t k = 0; k < columns; k += kPanel) {
          for (int64_t c = 0; c < inner; c += kSide)
            transformSquare(w, output + k, input + c, u + k * inner + c * panelWidth(w.outputs, output + k), frequencyU);
        }
        for (int64_t f = 0; f < kFrequencies; f++) {
          float *from = v + f * frequencyV, *to = m + f * frequencyM;
          std::fill(from + rows * rowV, from + padded * rowV, 0.0F);
          if (part == 0) product(from, rowV, u + f * frequencyU, padded, inner, columns, to, rowM);
          else product<false, false, true>(from, rowV, u + f * frequencyU, padded, inner, columns, to, rowM);
        }
      }
      for (int64_t t = 0; t < rows; t++)
        writeTile(m + t * rowM, frequencyM, grid, tile + t, w.outputs, output, output + columns, finish, y);
    }
  });
}

template <typename Element>
void weightGradientInBlocks(const Element* x, const Element* dy, const Grid& grid, const Weights& dw, float* db) {
  const int64_t size = grid.tiles(), most = 3 * kLanes * kBandPanels;
  const SumPanels panels(dw.outputs);
  const int64_t bands = (panels.count() + kBandPanels - 1) / kBandPanels;
  const Parts inputs(dw.inputs, kBandInputs, kSide), shares(inputs.count(), std::clamp<int64_t>(inputs.count() * bands / (4 * at::get_num_threads()), 1, 8), 1);
  const int64_t frequencyV = size * inputs.size + kPad, frequencyM = size * most + kPad, frequencyS = inputs.size * most + kPad;
  const int64_t share = kFrequencies * (frequencyV + frequencyS) + (kFrequencies + 1) * frequencyM;  // last, the tiles' sums
  const at::Tensor scratch = at::empty({at::get_num_threads() * share}, at::kFloat);
  const at::Tensor outside = at::zeros({std::max(dw.inputs, dw.outputs)}, c10::CppTypeToScalarType<Element>::value);
  const Element* zeros = outside.data_ptr<Element>();
  std::fill(db, db + dw.outputs, 0.0F);
  at::parallel_for(0, bands * shares.count(), 1, [&](int64_t begin, int64_t end) {
    float* v = scratch.data_ptr<float>() + at::get_thread_num() * share;
    float *s = v + kFrequencies * frequencyV, *m = s + kFrequencies * frequencyS;
    for (int64_t task = begin; task < end; task++) {
      const int64_t band = task / shares.count() * kBandPanels, last = std::min(panels.count(), band + kBandPanels) - 1;
      const int64_t output = panels.start(band), columns = panels.start(last) + panels.width(panels.start(last)) - output;
      for (int64_t t = 0; t < size; t++)
        transformGradient(Window<kTile, Element>(dy, grid, t, dw.outputs, 0, zeros), panels, output, output + columns, t, size, m, frequencyM);
      for (int64_t part = shares.begin(task % shares.count()); part < shares.end(task % shares.count()); part++) {
        const int64_t input = inputs.begin(part), rows = inputs.end(part) - input;
        for (int64_t t = 0; t < size; t++)
          transformForSums(Window<kWindow, Element>(x, grid, t, dw.inputs, 1, zeros), input, rows, size, v + t * kSums, frequencyV);
        for (int64_t f = 0; f < kFrequencies; f++) {
          for (int64_t c = 0; c < rows; c += kSums) {
            for (int64_t p = band; p <= last; p++) {
              const int64_t k = panels.start(p) - output;
              accumulate(v + f * frequencyV + c * size, m + f * frequencyM + k * size, size, panels.width(output + k), true, s + f * frequencyS + c * columns + k,
                         columns);
            }
          }
        }
        for (int64_t c = 0; c < rows; c += kSide) {
          for (int64_t k = 0; k < columns; k += kSide) writeSquare(s + c * columns + k, columns, frequencyS, input + c, output + k, dw);
        }
      }
      if (task % shares.count() > 0) continue;
      for (int64_t p = band; p <= last; p++) {
        const int64_t k = panels.start(p);
        addRows(m + kFrequencies * frequencyM + (k - output) * size, size, panels.width(k), db + k);
      }
    }
  });
}

constexpr int64_t kFewTiles = 64;  // for `convolveInBlocks`, by measurement: docs/measurements/performance.md

// Likewise for `weightGradientInBlocks`.
inline bool suitsBlocks(int64_t tiles, const Weights& w) {
  constexpr int64_t kMostTiles = 128, kManyWeights = 1 << 18;
  return tiles <= kMostTiles || (tiles <= 2 * kMostTiles && w.outputs * w.inputs >= kManyWeights);
}

// `u`: the weights in frequencies, or null to compute them.
template <typename Element>
void convolveBy(const Element* x, const Grid& grid, const Weights& w, const float* u, const Finish<Element>& finish, Element* y) {
  if (u == nullptr && grid.tiles() <= kFewTiles) return convolveInBlocks(x, grid, w, finish, y);
  const at::Tensor made = u == nullptr ? transformWeights(w) : at::Tensor();
  convolve(x, grid, w, u == nullptr ? made.data_ptr<float>() : u, finish, y);
}

template <typename Element>
void weightGradientBy(const Element* x, const Element* dy, const Grid& grid, const Weights& dw, float* db) {
  if (suitsBlocks(grid.tiles(), dw)) return weightGradientInBlocks(x, dy, grid, dw, db);
  weightGradient(x, dy, grid, dw, db);
}

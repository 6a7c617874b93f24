// Matrix products over a vector type. Each including file first defines, in its anonymous namespace, `Vector`
// and the number of rows of sums in registers (`vector8.h`); hence no `#pragma once` and no includes here.

constexpr int64_t kLanes = sizeof(Vector) / sizeof(float);
constexpr int64_t kPanel = 2 * kLanes;  // output channels of a panel; the last one may be half as wide

inline int64_t panelWidth(int64_t outputs, int64_t k) { return std::min(kPanel, outputs - k); }

constexpr int64_t kFewBlocks = 8;  // of rows, for which U may take longer to arrive than to multiply by

// M [R, N vectors] = V [R, inputs] x U [inputs, N vectors], or M += with `More`; V may be transposed, [inputs, R]. With `Ahead`,
// calls for the memory from `ahead` on meanwhile, `step` floats per input.
template <int R, int N, bool Turned, bool Ahead, bool More>
inline void productRows(const float* v, int64_t rowV, const float* u, int64_t inputs, float* m, int64_t rowM, const float* ahead, int64_t step) {
  Vector sums[R][N];
#pragma GCC unroll 16
  for (int r = 0; r < R; r++) {
#pragma GCC unroll 2
    for (int n = 0; n < N; n++) sums[r][n] = More ? load(m + r * rowM + n * kLanes) : zero();
  }
  for (int64_t c = 0; c < inputs; c++) {
    if (Ahead) _mm_prefetch(reinterpret_cast<const char*>(ahead + c * step), _MM_HINT_T1);
    Vector b[N];
#pragma GCC unroll 2
    for (int n = 0; n < N; n++) b[n] = load(u + (c * N + n) * kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < R; r++) {
      const Vector a = same(Turned ? v[c * rowV + r] : v[r * rowV + c]);
#pragma GCC unroll 2
      for (int n = 0; n < N; n++) sums[r][n] = multiplyAdd(a, b[n], sums[r][n]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; r++) {
#pragma GCC unroll 2
    for (int n = 0; n < N; n++) store(m + r * rowM + n * kLanes, sums[r][n]);
  }
}

// Inlining slows the convolution of 64 channels by a tenth. With `Ahead`, the blocks of rows share out what follows U in memory,
// mostly the next panel.
template <int N, bool Turned, bool Ahead, bool More>
__attribute__((noinline)) void productPanel(const float* v, int64_t rowV, const float* u, int64_t rows, int64_t inputs, float* m, int64_t rowM) {
  const int64_t stepV = Turned ? 1 : rowV, blocks = rows / kRows + rows % kRows / kFew + rows % kFew;
  const int64_t step = Ahead && blocks > 0 ? N * kLanes / blocks : 0, share = inputs * step;
  const float* ahead = u + inputs * N * kLanes;
  int64_t t = 0;
  for (; t + kRows <= rows; t += kRows, ahead += share) productRows<kRows, N, Turned, Ahead, More>(v + t * stepV, rowV, u, inputs, m + t * rowM, rowM, ahead, step);
  for (; t + kFew <= rows; t += kFew, ahead += share) productRows<kFew, N, Turned, Ahead, More>(v + t * stepV, rowV, u, inputs, m + t * rowM, rowM, ahead, step);
  for (; t < rows; t++, ahead += share) productRows<1, N, Turned, Ahead, More>(v + t * stepV, rowV, u, inputs, m + t * rowM, rowM, ahead, step);
}

// M [rows, outputs] = V [rows, inputs] x U, as panels [outputs / kPanel][inputs][kPanel], or M +=.
template <bool Turned = false, bool Ahead = false, bool More = false>
inline void product(const float* v, int64_t rowV, const float* u, int64_t rows, int64_t inputs, int64_t outputs, float* m, int64_t rowM) {
  for (int64_t k = 0; k < outputs; k += kPanel) {
    if (panelWidth(outputs, k) == kPanel) productPanel<2, Turned, Ahead, More>(v, rowV, u + k * inputs, rows, inputs, m + k, rowM);
    else productPanel<1, Turned, Ahead, More>(v, rowV, u + k * inputs, rows, inputs, m + k, rowM);
  }
}

// The same for weights, which no cache may hold.
inline void productByWeights(const float* v, int64_t rowV, const float* u, int64_t rows, int64_t inputs, int64_t outputs, float* m, int64_t rowM) {
  if (rows <= kFewBlocks * kRows) product<false, true>(v, rowV, u, rows, inputs, outputs, m, rowM);
  else product(v, rowV, u, rows, inputs, outputs, m, rowM);
}

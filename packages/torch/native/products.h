// Matrix products over a vector type. Each including file first defines, in its anonymous namespace, `Vector`
// and the number of rows of sums in registers (`vector8.h`); hence no `#pragma once` and no includes here.

constexpr int64_t kLanes = sizeof(Vector) / sizeof(float);
constexpr int64_t kPanel = 2 * kLanes;  // output channels of a panel; the last one may be half as wide

inline int64_t panelWidth(int64_t outputs, int64_t k) { return std::min(kPanel, outputs - k); }

// M [R, N vectors] = V [R, inputs] x U [inputs, N vectors]; V may be transposed, [inputs, R].
template <int R, int N, bool Turned>
inline void productRows(const float* v, int64_t rowV, const float* u, int64_t inputs, float* m, int64_t rowM) {
  Vector sums[R][N];
#pragma GCC unroll 16
  for (int r = 0; r < R; r++) {
#pragma GCC unroll 2
    for (int n = 0; n < N; n++) sums[r][n] = zero();
  }
  for (int64_t c = 0; c < inputs; c++) {
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

// Inlining slows the convolution of 64 channels by a tenth.
template <int N, bool Turned>
__attribute__((noinline)) void productPanel(const float* v, int64_t rowV, const float* u, int64_t rows, int64_t inputs, float* m, int64_t rowM) {
  const int64_t step = Turned ? 1 : rowV;
  int64_t t = 0;
  for (; t + kRows <= rows; t += kRows) productRows<kRows, N, Turned>(v + t * step, rowV, u, inputs, m + t * rowM, rowM);
  for (; t + kFew <= rows; t += kFew) productRows<kFew, N, Turned>(v + t * step, rowV, u, inputs, m + t * rowM, rowM);
  for (; t < rows; t++) productRows<1, N, Turned>(v + t * step, rowV, u, inputs, m + t * rowM, rowM);
}

// M [rows, outputs] = V [rows, inputs] x U, as panels [outputs / kPanel][inputs][kPanel].
template <bool Turned = false>
inline void product(const float* v, int64_t rowV, const float* u, int64_t rows, int64_t inputs, int64_t outputs, float* m, int64_t rowM) {
  for (int64_t k = 0; k < outputs; k += kPanel) {
    if (panelWidth(outputs, k) == kPanel) productPanel<2, Turned>(v, rowV, u + k * inputs, rows, inputs, m + k, rowM);
    else productPanel<1, Turned>(v, rowV, u + k * inputs, rows, inputs, m + k, rowM);
  }
}

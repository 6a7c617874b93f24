// What the kernels of attention share: rows packed for products, and softmax. Included in an anonymous namespace compiled for
// AVX2, after `vector8.h` and `products.h`; hence no `#pragma once` and no includes here.

struct Rows {
  const float* at;
  int64_t row;
};

// Packs rows [inner, outputs] as panels of `product`.
inline void pack(Rows from, int64_t inner, int64_t outputs, float* to) {
  for (int64_t k = 0; k < outputs; k += kPanel) {
    const int64_t width = panelWidth(outputs, k);
    for (int64_t i = 0; i < inner; i++) {
      for (int64_t j = 0; j < width; j += kLanes) store(to + k * inner + i * width + j, load(from.at + i * from.row + k + j));
    }
  }
}

// Packs rows [outputs, inner] transposed, as panels of `product` for `padded` outputs, with zeros at the end.
inline void packTurned(Rows from, int64_t outputs, int64_t inner, int64_t padded, float* to) {
  for (int64_t k = 0; k < padded; k += kLanes) {
    const int64_t panel = k / kPanel * kPanel, width = panelWidth(padded, panel);
    float* part = to + panel * inner + (k - panel);
    if (k + kLanes <= outputs) {
      for (int64_t i = 0; i < inner; i += kLanes) reclmis::transpose8(from.at + k * from.row + i, from.row, part + i * width, width);
      continue;
    }
    for (int64_t i = 0; i < inner; i++) {
      for (int64_t j = 0; j < kLanes; j++) part[i * width + j] = k + j < outputs ? from.at[(k + j) * from.row + i] : 0;
    }
  }
}

// e^x for x <= 0, to 2e-7 relative: 2^n e^r with |r| <= ln(2) / 2, e^r by its series to the sixth power.
// Below the smallest normal number it is 0; NaN stays.
inline Vector exponential(Vector x) {
  const Vector least = same(-87.33654F);
  const Vector tiny = _mm256_cmp_ps(x, least, _CMP_LT_OQ);
  const Vector bounded = _mm256_max_ps(least, x);
  const Vector n = _mm256_round_ps(_mm256_mul_ps(bounded, same(1.44269504F)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  Vector r = _mm256_fnmadd_ps(n, same(0.693359375F), bounded);  // ln(2) in two parts, the first with few bits
  r = _mm256_fnmadd_ps(n, same(-2.12194440e-4F), r);
  Vector y = same(1.0F / 720);
  for (const float k : {1.0F / 120, 1.0F / 24, 1.0F / 6, 0.5F, 1.0F, 1.0F}) y = multiplyAdd(y, r, same(k));
  const __m256i power = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
  return _mm256_andnot_ps(tiny, _mm256_mul_ps(y, _mm256_castsi256_ps(power)));
}

inline float largestOf(Vector value) {
  alignas(32) float lanes[kLanes];
  _mm256_store_ps(lanes, value);
  return *std::max_element(lanes, lanes + kLanes);
}

// Softmax of `count` numbers in place; the rest of `whole` becomes 0.
inline void softmax(float* row, int64_t count, int64_t whole) {
  std::fill(row + count, row + whole, -std::numeric_limits<float>::infinity());
  Vector most = load(row);
  for (int64_t s = kLanes; s < whole; s += kLanes) most = _mm256_max_ps(load(row + s), most);
  const Vector largest = same(largestOf(most));
  Vector sums = zero();
  for (int64_t s = 0; s < whole; s += kLanes) {
    const Vector value = exponential(subtract(load(row + s), largest));
    store(row + s, value);
    sums = add(sums, value);
  }
  const Vector share = same(1 / reclmis::sumOf(sums));
  for (int64_t s = 0; s < whole; s += kLanes) store(row + s, multiply(load(row + s), share));
}

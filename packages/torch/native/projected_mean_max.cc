// PLAM's two 1x1 convolutions and what it reads off them, without storing their results, for channels-last maps
// of float32:
//
//   reclmis::projected_mean_max(x [B,C,H,W], to_mean [K,C,1,1], to_max [K,C,1,1]) -> (mean [B,H,W], maximum [B,H,W])
//
// mean over the K channels of ReLU(to_mean x), maximum over those of to_max x. For the backward pass it keeps a
// bit per ReLU and the channel of the maximum (the first of equal ones gets the gradient). Pieces depend on the
// shapes alone, so results do not depend on the number of threads.
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>
#include <limits>
#include <tuple>

#include "maps.h"

#ifdef RECLMIS_LANES
#pragma GCC push_options
#pragma GCC target("avx2,fma")

namespace {

using reclmis::channelsLast;
using reclmis::checkMap;
using reclmis::operatorOf;
#include "vector8.h"
#include "products.h"

constexpr int64_t kRowsAtOnce = 48;  // pixels that stay in the nearest caches

struct Sizes {
  int64_t rows, inputs, outputs;
  int64_t bytes() const { return outputs / 8; }
};

Sizes checked(const at::Tensor& x, const at::Tensor& toMean, const at::Tensor& toMax) {
  checkMap("projected_mean_max", x);
  TORCH_CHECK(x.scalar_type() == at::kFloat, "projected_mean_max takes float32");
  const int64_t inputs = x.size(1), outputs = toMean.size(0);
  for (const at::Tensor& w : {toMean, toMax}) {
    TORCH_CHECK(w.scalar_type() == at::kFloat && w.sizes() == at::IntArrayRef({outputs, inputs, 1, 1}) && outputs > 0 && outputs % 8 == 0,
                "projected_mean_max: two float32 weights [K,", inputs, ",1,1], K a multiple of 8");
  }
  return {x.numel() / inputs, inputs, outputs};
}

at::Tensor rowsOf(const at::Tensor& weight) { return weight.reshape({weight.size(0), weight.size(1)}).contiguous(); }

// From u(i, j) at i * si + j * sj to panels of `product`.
at::Tensor panelsOf(const float* u, int64_t inner, int64_t columns, int64_t si, int64_t sj) {
  at::Tensor result = at::empty({inner * columns}, at::kFloat);
  float* to = result.data_ptr<float>();
  for (int64_t k = 0; k < columns; k += kPanel) {
    const int64_t width = panelWidth(columns, k);
    for (int64_t i = 0; i < inner; i++) {
      for (int64_t j = 0; j < width; j++) to[k * inner + i * width + j] = u[i * si + (k + j) * sj];
    }
  }
  return result;
}

// Sets a bit for each number that passes a gradient.
float reluMean(const float* row, int64_t count, uint8_t* bits) {
  Vector sum = zero();
  for (int64_t k = 0; k < count; k += kLanes) {
    const Vector value = load(row + k);
    sum = add(sum, reclmis::relu(value));
    bits[k / kLanes] = static_cast<uint8_t>(_mm256_movemask_ps(reclmis::passes(value)));
  }
  return reclmis::sumOf(sum) / static_cast<float>(count);
}

// The first place of the largest; NaN if any number is.
float largest(const float* row, int64_t count, int32_t* where) {
  Vector most = load(row), strange = zero();
  __m256i at = _mm256_setzero_si256();
  for (int64_t k = 0; k < count; k += kLanes) {
    const Vector value = load(row + k);
    const Vector larger = _mm256_cmp_ps(value, most, _CMP_GT_OQ);
    most = _mm256_blendv_ps(most, value, larger);
    at = _mm256_blendv_epi8(at, _mm256_set1_epi32(static_cast<int32_t>(k)), _mm256_castps_si256(larger));
    strange = _mm256_or_ps(strange, _mm256_cmp_ps(value, value, _CMP_UNORD_Q));
  }
  alignas(32) float values[kLanes];
  alignas(32) int32_t places[kLanes];
  _mm256_store_ps(values, most);
  _mm256_store_si256(reinterpret_cast<__m256i*>(places), at);
  float value = values[0];
  *where = places[0];
  for (int32_t lane = 1; lane < kLanes; lane++) {
    const int32_t place = places[lane] + lane;
    if (values[lane] > value || (values[lane] == value && place < *where)) {
      value = values[lane];
      *where = place;
    }
  }
  return _mm256_movemask_ps(strange) == 0 ? value : std::numeric_limits<float>::quiet_NaN();
}

// -> mean, maximum [B,H,W], bits of ReLU [B,H,W,K/8], channel of the maximum [B,H,W]
std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor> forwardPass(const at::Tensor& x, const at::Tensor& toMean,
                                                                       const at::Tensor& toMax) {
  const Sizes sizes = checked(x, toMean, toMax);
  const auto [rows, inputs, outputs] = sizes;
  const at::IntArrayRef shape = x.sizes();
  at::Tensor mean = at::empty({shape[0], shape[2], shape[3]}, at::kFloat), maximum = at::empty_like(mean);
  at::Tensor bits = at::empty({shape[0], shape[2], shape[3], sizes.bytes()}, at::kByte), where = at::empty_like(mean, at::kInt);
  const at::Tensor meanRows = rowsOf(toMean), maxRows = rowsOf(toMax);
  const at::Tensor meanPanels = panelsOf(meanRows.data_ptr<float>(), inputs, outputs, 1, inputs);
  const at::Tensor maxPanels = panelsOf(maxRows.data_ptr<float>(), inputs, outputs, 1, inputs);
  const at::Tensor scratch = at::empty({at::get_num_threads(), kRowsAtOnce * outputs}, at::kFloat);
  const float *from = x.data_ptr<float>(), *u = meanPanels.data_ptr<float>(), *v = maxPanels.data_ptr<float>();
  float *means = mean.data_ptr<float>(), *maxima = maximum.data_ptr<float>(), *work = scratch.data_ptr<float>();
  uint8_t* marks = bits.data_ptr<uint8_t>();
  int32_t* places = where.data_ptr<int32_t>();
  const int64_t chunks = (rows + kRowsAtOnce - 1) / kRowsAtOnce;
  at::parallel_for(0, chunks, 1, [&, rows = rows, inputs = inputs, outputs = outputs](int64_t begin, int64_t end) {
    float* projected = work + at::get_thread_num() * kRowsAtOnce * outputs;
    for (int64_t chunk = begin; chunk < end; chunk++) {
      const int64_t first = chunk * kRowsAtOnce, count = std::min(kRowsAtOnce, rows - first);
      product(from + first * inputs, inputs, u, count, inputs, outputs, projected, outputs);
      for (int64_t r = 0; r < count; r++)
        means[first + r] = reluMean(projected + r * outputs, outputs, marks + (first + r) * sizes.bytes());
      product(from + first * inputs, inputs, v, count, inputs, outputs, projected, outputs);
      for (int64_t r = 0; r < count; r++) maxima[first + r] = largest(projected + r * outputs, outputs, places + first + r);
    }
  });
  return {mean, maximum, bits, where};
}

// sums [K,C] += A' [K, rows] x X [rows, C], in blocks of kSums rows and N vectors.
template <int N>
inline void accumulateBlock(const float* a, int64_t rowA, const float* x, int64_t rowX, int64_t rows, float* sums, int64_t rowSums) {
  Vector s[kSums][N];
#pragma GCC unroll 16
  for (int k = 0; k < kSums; k++) {
#pragma GCC unroll 2
    for (int n = 0; n < N; n++) s[k][n] = zero();
  }
  for (int64_t r = 0; r < rows; r++) {
    Vector b[N];
#pragma GCC unroll 2
    for (int n = 0; n < N; n++) b[n] = load(x + r * rowX + n * kLanes);
#pragma GCC unroll 16
    for (int k = 0; k < kSums; k++) {
      const Vector value = same(a[r * rowA + k]);
#pragma GCC unroll 2
      for (int n = 0; n < N; n++) s[k][n] = multiplyAdd(value, b[n], s[k][n]);
    }
  }
#pragma GCC unroll 16
  for (int k = 0; k < kSums; k++) {
#pragma GCC unroll 2
    for (int n = 0; n < N; n++) {
      float* to = sums + k * rowSums + n * kLanes;
      store(to, add(load(to), s[k][n]));
    }
  }
}

void accumulate(const float* a, const float* x, int64_t rows, int64_t inputs, int64_t outputs, float* sums) {
  for (int64_t c = 0; c < inputs; c += kPanel) {
    for (int64_t k = 0; k < outputs; k += kSums) {
      float* to = sums + k * inputs + c;
      if (panelWidth(inputs, c) == kPanel) accumulateBlock<2>(a + k, outputs, x + c, inputs, rows, to, inputs);
      else accumulateBlock<1>(a + k, outputs, x + c, inputs, rows, to, inputs);
    }
  }
}

// to [count] += factor * from
inline void addScaled(float* to, float factor, const float* from, int64_t count) {
  for (int64_t c = 0; c < count; c += kLanes) store(to + c, multiplyAdd(same(factor), load(from + c), load(to + c)));
}

// -> gradients of x, to_mean and to_max
std::tuple<at::Tensor, at::Tensor, at::Tensor> backwardPass(const at::Tensor& meanGradient, const at::Tensor& maxGradient,
                                                            const at::Tensor& x, const at::Tensor& toMean, const at::Tensor& toMax,
                                                            const at::Tensor& bits, const at::Tensor& where) {
  constexpr int64_t kPieces = 32;
  const Sizes sizes = checked(x, toMean, toMax);
  const auto [rows, inputs, outputs] = sizes;
  const at::Tensor dMean = meanGradient.contiguous(), dMax = maxGradient.contiguous();
  const at::Tensor meanRows = rowsOf(toMean), maxRows = rowsOf(toMax);
  const at::Tensor panels = panelsOf(meanRows.data_ptr<float>(), outputs, inputs, inputs, 1);
  // Each piece has two sums of the weights' size.
  const int64_t chunks = (rows + kRowsAtOnce - 1) / kRowsAtOnce;
  const int64_t pieces = std::min(std::clamp<int64_t>(rows / (2 * outputs), 1, kPieces), chunks);
  const at::Tensor partial = at::zeros({pieces, 2, outputs, inputs}, at::kFloat);
  const at::Tensor scratch = at::empty({at::get_num_threads(), kRowsAtOnce * outputs}, at::kFloat);
  at::Tensor result = at::empty_like(x);
  const float *from = x.data_ptr<float>(), *u = panels.data_ptr<float>(), *largestRows = maxRows.data_ptr<float>();
  const float *gMean = dMean.data_ptr<float>(), *gMax = dMax.data_ptr<float>();
  const uint8_t* marks = bits.data_ptr<uint8_t>();
  const int32_t* places = where.data_ptr<int32_t>();
  float *dx = result.data_ptr<float>(), *sums = partial.data_ptr<float>(), *work = scratch.data_ptr<float>();
  const int64_t size = outputs * inputs;
  const Vector bit = _mm256_castsi256_ps(_mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128));
  at::parallel_for(0, pieces, 1, [&, rows = rows, inputs = inputs, outputs = outputs](int64_t begin, int64_t end) {
    float* passed = work + at::get_thread_num() * kRowsAtOnce * outputs;
    for (int64_t piece = begin; piece < end; piece++) {
      float *toMeanSums = sums + piece * 2 * size, *toMaxSums = toMeanSums + size;
      for (int64_t chunk = chunks * piece / pieces; chunk < chunks * (piece + 1) / pieces; chunk++) {
        const int64_t first = chunk * kRowsAtOnce, count = std::min(kRowsAtOnce, rows - first);
        for (int64_t r = 0; r < count; r++) {
          const Vector share = same(gMean[first + r] / static_cast<float>(outputs));
          const uint8_t* mark = marks + (first + r) * sizes.bytes();
          for (int64_t k = 0; k < outputs; k += kLanes) {
            const __m256i set = _mm256_and_si256(_mm256_set1_epi32(mark[k / kLanes]), _mm256_castps_si256(bit));
            const Vector passes = _mm256_castsi256_ps(_mm256_cmpeq_epi32(set, _mm256_castps_si256(bit)));
            store(passed + r * outputs + k, _mm256_and_ps(passes, share));
          }
        }
        const float* here = from + first * inputs;
        product(passed, outputs, u, count, outputs, inputs, dx + first * inputs, inputs);
        accumulate(passed, here, count, inputs, outputs, toMeanSums);
        for (int64_t r = 0; r < count; r++) {
          const float g = gMax[first + r];
          if (g == 0) continue;
          addScaled(dx + (first + r) * inputs, g, largestRows + places[first + r] * inputs, inputs);
          addScaled(toMaxSums + places[first + r] * inputs, g, here + r * inputs, inputs);
        }
      }
    }
  });
  const at::Tensor both = partial.sum(0);  // [2,K,C]
  const auto like = [&](const at::Tensor& weight, int64_t i) { return at::empty_like(weight).copy_(both.select(0, i).view(weight.sizes())); };
  return {result, like(toMean, 0), like(toMax, 1)};
}

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class ProjectedMeanMax : public torch::autograd::Function<ProjectedMeanMax> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& toMean, const at::Tensor& toMax) {
    static const auto op = operatorOf<decltype(forwardPass)>("reclmis::projected_mean_max_forward");
    at::AutoDispatchBelowADInplaceOrView below;
    const auto [mean, maximum, bits, where] = op.call(x, toMean, toMax);
    context->save_for_backward({x, toMean, toMax, bits, where});
    return {mean, maximum};
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    static const auto op = operatorOf<decltype(backwardPass)>("reclmis::projected_mean_max_backward");
    const auto saved = context->get_saved_variables();
    at::AutoDispatchBelowADInplaceOrView below;
    const auto [x, toMean, toMax] = op.call(gradients[0], gradients[1], saved[0], saved[1], saved[2], saved[3], saved[4]);
    return {x, toMean, toMax};
  }
};

std::tuple<at::Tensor, at::Tensor> projectedMeanMax(const at::Tensor& x, const at::Tensor& toMean, const at::Tensor& toMax) {
  const variable_list both = ProjectedMeanMax::apply(x, toMean, toMax);
  return {both[0], both[1]};
}

}  // namespace

#pragma GCC pop_options

TORCH_LIBRARY_FRAGMENT(reclmis, library) {
  library.def("projected_mean_max(Tensor x, Tensor to_mean, Tensor to_max) -> (Tensor, Tensor)");
  library.def("projected_mean_max_forward(Tensor x, Tensor to_mean, Tensor to_max) -> (Tensor, Tensor, Tensor, Tensor)");
  library.def(
      "projected_mean_max_backward(Tensor mean_gradient, Tensor max_gradient, Tensor x, Tensor to_mean, Tensor to_max, Tensor bits, "
      "Tensor where) -> (Tensor, Tensor, Tensor)");
}

TORCH_LIBRARY_IMPL(reclmis, CPU, library) {
  library.impl("projected_mean_max_forward", forwardPass);
  library.impl("projected_mean_max_backward", backwardPass);
}

TORCH_LIBRARY_IMPL(reclmis, Autograd, library) { library.impl("projected_mean_max", projectedMeanMax); }
#endif

// Instance normalisation with leaky ReLU in one operator, for channels-last maps of float32:
//
//   reclmis::instance_norm(input [B,C,H,W], weight [C] or none, bias [C] or none, eps, slope)
//   -> y [B,C,H,W] = leaky(weight (x - mean) / sqrt(variance + eps) + bias), with mean and variance of each sample and channel
//
// A slope of 1 is no ReLU. Like `batch_norm_relu` it reads the map twice, forward and backward; pieces depend on the shapes
// alone, so results do not depend on the number of threads.
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <vector>

#include "maps.h"
#include "optional.h"
#include "pieces.h"

#ifdef RECLMIS_LANES
#pragma GCC push_options
#pragma GCC target("avx2,fma")

namespace {

using namespace reclmis;

void check(const at::Tensor& map, const OptionalTensor& weight, const OptionalTensor& bias) {
  TORCH_CHECK(isLaneMap(map) && map.scalar_type() == at::kFloat,
              "instance_norm takes channels-last maps of float32 on a CPU with AVX2, of a multiple of 8 channels");
  for (const OptionalTensor& vector : {weight, bias}) {
    TORCH_CHECK(!vector.has_value() || !vector->defined() ||
                    (vector->scalar_type() == at::kFloat && vector->numel() == map.size(1) && vector->is_contiguous()),
                "instance_norm: weight and bias are float32 [", map.size(1), "]");
  }
}

const float* numbersOf(const OptionalTensor& vector) { return vector.has_value() && vector->defined() ? vector->data_ptr<float>() : nullptr; }

// Weight / sqrt(variance + eps), bias, mean and 1 / sqrt(variance + eps) of each sample, [B,4,C].
struct Lines {
  const float *scale, *shift, *mean, *inverse;
  Lines(const at::Tensor& lines, int64_t sample, int64_t channels) {
    scale = lines.data_ptr<float>() + sample * 4 * channels;
    shift = scale + channels;
    mean = shift + channels;
    inverse = mean + channels;
  }
};

inline Lanes leaky(Lanes value, Lanes slope) {
  return _mm256_blendv_ps(_mm256_mul_ps(value, slope), value, _mm256_cmp_ps(value, all(0), _CMP_GT_OQ));
}

// Subtracting the mean first keeps the digits of means far from zero.
inline Lanes normal(Lanes x, const Lines& at, int64_t c) {
  return _mm256_fmadd_ps(_mm256_sub_ps(x, load(at.mean + c)), load(at.scale + c), load(at.shift + c));
}

// The gradient before the ReLU.
inline Lanes passed(Lanes dy, Lanes x, const Lines& at, int64_t c, Lanes slope) {
  return _mm256_blendv_ps(_mm256_mul_ps(dy, slope), dy, _mm256_cmp_ps(normal(x, at, c), all(0), _CMP_GT_OQ));
}

// Calls body(sample, piece) for all.
template <typename Body>
void overPieces(int64_t batch, const Pieces& pieces, const Body& body) {
  at::parallel_for(0, batch * pieces.count(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) body(i / pieces.count(), i % pieces.count());
  });
}

// -> y, lines [B,4,C]
std::tuple<at::Tensor, at::Tensor> forwardPass(const at::Tensor& input, const OptionalTensor& weight, const OptionalTensor& bias, double eps,
                                               double slope) {
  check(input, weight, bias);
  const int64_t batch = input.size(0), channels = input.size(1), rows = input.size(2) * input.size(3);
  const Pieces pieces(rows, channels);
  at::Tensor output = at::empty_like(input), lines = at::empty({batch, 4, channels}, at::kFloat);
  const at::Tensor partial = at::empty({batch, pieces.count(), 2, channels}, at::kFloat);
  const float *x = input.data_ptr<float>(), *w = numbersOf(weight), *b = numbersOf(bias);
  float *parts = partial.data_ptr<float>(), *line = lines.data_ptr<float>(), *y = output.data_ptr<float>();
  overPieces(batch, pieces, [&](int64_t sample, int64_t piece) {
    overChannels(channels, [&](int64_t c, auto width) {
      float* means = parts + (sample * pieces.count() + piece) * 2 * channels + c;
      moments<width()>(x + (sample * rows + piece * pieces.size) * channels + c, pieces.rowsOf(piece), channels, means, means + channels);
    });
  });
  at::parallel_for(0, batch, 1, [&](int64_t begin, int64_t end) {
    std::vector<double> sums(channels), squares(channels);
    for (int64_t sample = begin; sample < end; sample++) {
      const float* own = parts + sample * pieces.count() * 2 * channels;
      std::fill(sums.begin(), sums.end(), 0);
      std::fill(squares.begin(), squares.end(), 0);
      for (int64_t piece = 0; piece < pieces.count(); piece++) {
        const double count = static_cast<double>(pieces.rowsOf(piece));
        for (int64_t c = 0; c < channels; c++) sums[c] += count * own[piece * 2 * channels + c];
      }
      for (int64_t c = 0; c < channels; c++) sums[c] /= static_cast<double>(rows);
      for (int64_t piece = 0; piece < pieces.count(); piece++) {
        const double count = static_cast<double>(pieces.rowsOf(piece));
        const float *means = own + piece * 2 * channels, *deviations = means + channels;
        for (int64_t c = 0; c < channels; c++) squares[c] += deviations[c] + count * (means[c] - sums[c]) * (means[c] - sums[c]);
      }
      float* to = line + sample * 4 * channels;
      for (int64_t c = 0; c < channels; c++) {
        const double inverse = 1 / std::sqrt(squares[c] / static_cast<double>(rows) + eps), scale = inverse * (w == nullptr ? 1 : w[c]);
        to[c] = static_cast<float>(scale);
        to[channels + c] = b == nullptr ? 0 : b[c];
        to[2 * channels + c] = static_cast<float>(sums[c]);
        to[3 * channels + c] = static_cast<float>(inverse);
      }
    }
  });
  const Lanes below = all(static_cast<float>(slope));
  overPieces(batch, pieces, [&](int64_t sample, int64_t piece) {
    const Lines at(lines, sample, channels);
    for (int64_t r = 0; r < pieces.rowsOf(piece); r++) {
      const int64_t from = (sample * rows + piece * pieces.size + r) * channels;
      for (int64_t c = 0; c < channels; c += kLanes) {
        store(y + from + c, leaky(normal(load(x + from + c), at, c), below));
      }
    }
  });
  return {output, lines};
}

// Sums over rows of the gradient, and of gradient times normalised input, of 8 V channels.
template <int V>
inline void gradientSums(const float* x, const float* dy, int64_t rows, int64_t row, const Lines& at, int64_t first, Lanes slope, float* plain,
                         float* weighted) {
  Lanes sums[V], products[V];
#pragma GCC unroll 4
  for (int v = 0; v < V; v++) sums[v] = products[v] = all(0);
  for (int64_t r = 0; r < rows; r++) {
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) {
      const int64_t c = first + v * kLanes;
      const Lanes value = load(x + r * row + c), g = passed(load(dy + r * row + c), value, at, c, slope);
      sums[v] = _mm256_add_ps(sums[v], g);
      products[v] = _mm256_fmadd_ps(g, _mm256_sub_ps(value, load(at.mean + c)), products[v]);
    }
  }
#pragma GCC unroll 4
  for (int v = 0; v < V; v++) {
    store(plain + first + v * kLanes, sums[v]);
    store(weighted + first + v * kLanes, _mm256_mul_ps(products[v], load(at.inverse + first + v * kLanes)));
  }
}

// -> gradients of input, weight and bias
std::tuple<at::Tensor, at::Tensor, at::Tensor> backwardPass(const at::Tensor& gradient, const at::Tensor& input, const at::Tensor& lines,
                                                            double slope) {
  check(input, OptionalTensor(), OptionalTensor());
  TORCH_CHECK(isLaneMap(gradient) && gradient.scalar_type() == at::kFloat && gradient.sizes() == input.sizes(),
              "instance_norm_backward: the gradient is not of the map's shape and type");
  const int64_t batch = input.size(0), channels = input.size(1), rows = input.size(2) * input.size(3);
  const Pieces pieces(rows, channels);
  at::Tensor result = at::empty_like(input), dWeight = at::empty({channels}, at::kFloat), dBias = at::empty({channels}, at::kFloat);
  const at::Tensor partial = at::empty({batch, pieces.count(), 2, channels}, at::kFloat), rest = at::empty({batch, 2, channels}, at::kFloat);
  const float *x = input.data_ptr<float>(), *dy = gradient.data_ptr<float>();
  float *parts = partial.data_ptr<float>(), *lanes = rest.data_ptr<float>(), *dx = result.data_ptr<float>();
  const Lanes below = all(static_cast<float>(slope));
  overPieces(batch, pieces, [&](int64_t sample, int64_t piece) {
    const Lines at(lines, sample, channels);
    const int64_t from = (sample * rows + piece * pieces.size) * channels;
    float* plain = parts + (sample * pieces.count() + piece) * 2 * channels;
    overChannels(channels, [&](int64_t c, auto width) {
      gradientSums<width()>(x + from, dy + from, pieces.rowsOf(piece), channels, at, c, below, plain, plain + channels);
    });
  });
  std::vector<double> ofBias(channels), ofWeight(channels);
  for (int64_t sample = 0; sample < batch; sample++) {
    const Lines at(lines, sample, channels);
    std::vector<double> plain(channels), weighted(channels);
    for (int64_t piece = 0; piece < pieces.count(); piece++) {
      const float* own = parts + (sample * pieces.count() + piece) * 2 * channels;
      for (int64_t c = 0; c < channels; c++) {
        plain[c] += own[c];
        weighted[c] += own[channels + c];
      }
    }
    // dx = scale (g - mean of g - normalised x times the mean of g times normalised x) = scale g + slope (x - mean) + offset
    for (int64_t c = 0; c < channels; c++) {
      ofBias[c] += plain[c];
      ofWeight[c] += weighted[c];
      lanes[sample * 2 * channels + c] = static_cast<float>(-at.scale[c] * at.inverse[c] * weighted[c] / static_cast<double>(rows));
      lanes[(sample * 2 + 1) * channels + c] = static_cast<float>(-at.scale[c] * plain[c] / static_cast<double>(rows));
    }
  }
  std::copy(ofWeight.begin(), ofWeight.end(), dWeight.data_ptr<float>());
  std::copy(ofBias.begin(), ofBias.end(), dBias.data_ptr<float>());
  overPieces(batch, pieces, [&](int64_t sample, int64_t piece) {
    const Lines at(lines, sample, channels);
    const float *steep = lanes + sample * 2 * channels, *offset = steep + channels;
    for (int64_t r = 0; r < pieces.rowsOf(piece); r++) {
      const int64_t from = (sample * rows + piece * pieces.size + r) * channels;
      for (int64_t c = 0; c < channels; c += kLanes) {
        const Lanes value = load(x + from + c), g = passed(load(dy + from + c), value, at, c, below);
        const Lanes other = _mm256_fmadd_ps(_mm256_sub_ps(value, load(at.mean + c)), load(steep + c), load(offset + c));
        store(dx + from + c, _mm256_fmadd_ps(g, load(at.scale + c), other));
      }
    }
  });
  return {result, dWeight, dBias};
}

class InstanceNorm : public torch::autograd::Function<InstanceNorm> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& input, const OptionalTensor& weight,
                            const OptionalTensor& bias, double eps, double slope) {
    static const auto op = operatorOf<decltype(forwardPass)>("reclmis::instance_norm_forward");
    at::AutoDispatchBelowADInplaceOrView below;
    const auto [output, lines] = op.call(input, weight, bias, eps, slope);
    context->save_for_backward({input, lines});
    context->saved_data["slope"] = slope;
    context->saved_data["weight"] = weight.has_value() && weight->defined();
    context->saved_data["bias"] = bias.has_value() && bias->defined();
    return output;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, torch::autograd::variable_list gradients) {
    static const auto op = operatorOf<decltype(backwardPass)>("reclmis::instance_norm_backward");
    const auto saved = context->get_saved_variables();
    at::AutoDispatchBelowADInplaceOrView below;
    const auto [input, weight, bias] = op.call(channelsLast(gradients[0]), saved[0], saved[1], context->saved_data["slope"].toDouble());
    return {input, context->saved_data["weight"].toBool() ? weight : at::Tensor(), context->saved_data["bias"].toBool() ? bias : at::Tensor(),
            at::Tensor(), at::Tensor()};
  }
};

at::Tensor instanceNorm(const at::Tensor& input, const OptionalTensor& weight, const OptionalTensor& bias, double eps, double slope) {
  return InstanceNorm::apply(input, weight, bias, eps, slope);
}

}  // namespace

#pragma GCC pop_options

TORCH_LIBRARY_FRAGMENT(reclmis, library) {
  library.def("instance_norm(Tensor input, Tensor? weight, Tensor? bias, float eps, float slope) -> Tensor");
  library.def("instance_norm_forward(Tensor input, Tensor? weight, Tensor? bias, float eps, float slope) -> (Tensor, Tensor)");
  library.def("instance_norm_backward(Tensor gradient, Tensor input, Tensor lines, float slope) -> (Tensor, Tensor, Tensor)");
}

TORCH_LIBRARY_IMPL(reclmis, CPU, library) {
  library.impl("instance_norm_forward", forwardPass);
  library.impl("instance_norm_backward", backwardPass);
}

TORCH_LIBRARY_IMPL(reclmis, Autograd, library) { library.impl("instance_norm", instanceNorm); }
#endif

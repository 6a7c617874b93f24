// Batch normalisation, a sum and ReLU in one operator, for channels-last maps of float32 and bfloat16:
//
//   reclmis::batch_norm_relu(input [B,C,H,W], weight, bias, running_mean, running_var: float32 [C], training, momentum, eps,
//   another map to add or none, relu) -> y [B,C,H,W] = max(0, a x + b + map), a = weight / sqrt(variance + eps), b = bias - a mean;
//   without relu a x + b + map
//
// The forward pass reads the map twice (once with running statistics), the backward pass map and gradient
// twice; libtorch's operators touch memory up to seven times as often. Pieces depend on the channels
// alone, with sums in float32 within and float64 over them, so results do not depend on the number of
// threads.
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <type_traits>
#include <vector>

#include "maps.h"
#include "optional.h"
#include "pieces.h"

#ifdef RECLMIS_LANES
#pragma GCC push_options
#pragma GCC target("avx2,fma")

namespace {

using namespace reclmis;

struct Affine {
  const float *scale, *shift, *mean, *inverse;
};

// What the ReLU lets through: everything without one, else told by its input, which is computed again.
template <bool Relu, typename T>
inline Lanes passed(const T* dy, Lanes x, const float* scale, const float* shift) {
  if (!Relu) return load(dy);
  return _mm256_and_ps(passes(_mm256_fmadd_ps(x, load(scale), load(shift))), load(dy));
}

bool given(const OptionalTensor& tensor) { return tensor.has_value() && tensor->defined(); }

template <typename Body>
void byRelu(bool relu, Body&& body) {
  if (relu) {
    body(std::true_type());
  } else {
    body(std::false_type());
  }
}

// Sums over rows of the gradient, and of gradient times normalised input, of 8 V channels.
template <int V, bool Relu, typename T>
inline void gradientSums(const T* x, const T* dy, int64_t rows, int64_t row, const Affine& at, float* plain, float* weighted) {
  Lanes sums[V], products[V];
#pragma GCC unroll 4
  for (int v = 0; v < V; v++) sums[v] = products[v] = all(0);
  for (int64_t r = 0; r < rows; r++) {
#pragma GCC unroll 4
    for (int v = 0; v < V; v++) {
      const int64_t c = v * kLanes;
      const Lanes input = load(x + r * row + c), g = passed<Relu>(dy + r * row + c, input, at.scale + c, at.shift + c);
      sums[v] = _mm256_add_ps(sums[v], g);
      products[v] = _mm256_fmadd_ps(g, _mm256_sub_ps(input, load(at.mean + c)), products[v]);
    }
  }
#pragma GCC unroll 4
  for (int v = 0; v < V; v++) {
    store(plain + v * kLanes, sums[v]);
    store(weighted + v * kLanes, _mm256_mul_ps(products[v], load(at.inverse + v * kLanes)));
  }
}

// scale and shift of y = max(0, scale x + shift), [2,C].
at::Tensor affineOf(const at::Tensor& weight, const at::Tensor& bias, const at::Tensor& mean, const at::Tensor& inverse) {
  const int64_t channels = weight.numel();
  at::Tensor result = at::empty({2, channels}, at::kFloat);
  float *scale = result.data_ptr<float>(), *shift = scale + channels;
  const float *w = weight.data_ptr<float>(), *b = bias.data_ptr<float>();
  const float *m = mean.data_ptr<float>(), *s = inverse.data_ptr<float>();
  for (int64_t c = 0; c < channels; c++) {
    scale[c] = w[c] * s[c];
    shift[c] = b[c] - m[c] * scale[c];
  }
  return result;
}

// Mean and 1 / sqrt(variance + eps), [C] each; updates the running statistics.
template <typename T>
void batchStatistics(const T* x, const Pieces& pieces, int64_t channels, double momentum, double eps, float* mean, float* inverse,
                     float* runningMean, float* runningVar) {
  const double rows = static_cast<double>(pieces.rows);
  const at::Tensor partial = at::empty({pieces.count(), 2, channels}, at::kFloat);
  float* parts = partial.data_ptr<float>();
  at::parallel_for(0, pieces.count(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t piece = begin; piece < end; piece++) {
      overChannels(channels, [&](int64_t c, auto width) {
        float* means = parts + piece * 2 * channels + c;
        moments<width()>(x + piece * pieces.size * channels + c, pieces.rowsOf(piece), channels, means, means + channels);
      });
    }
  });
  std::vector<double> sums(channels), squares(channels);
  for (int64_t piece = 0; piece < pieces.count(); piece++) {
    const double count = static_cast<double>(pieces.rowsOf(piece));
    for (int64_t c = 0; c < channels; c++) sums[c] += count * parts[piece * 2 * channels + c];
  }
  for (int64_t c = 0; c < channels; c++) sums[c] /= rows;
  for (int64_t piece = 0; piece < pieces.count(); piece++) {
    const double count = static_cast<double>(pieces.rowsOf(piece));
    const float *means = parts + piece * 2 * channels, *deviations = means + channels;
    for (int64_t c = 0; c < channels; c++) squares[c] += deviations[c] + count * (means[c] - sums[c]) * (means[c] - sums[c]);
  }
  for (int64_t c = 0; c < channels; c++) {
    mean[c] = static_cast<float>(sums[c]);
    inverse[c] = static_cast<float>(1 / std::sqrt(squares[c] / rows + eps));
    runningMean[c] = static_cast<float>((1 - momentum) * runningMean[c] + momentum * sums[c]);
    runningVar[c] = static_cast<float>((1 - momentum) * runningVar[c] + momentum * squares[c] / (rows - 1));
  }
}

// -> y, mean [C], 1 / sqrt(variance + eps) [C]
std::tuple<at::Tensor, at::Tensor, at::Tensor> forwardPass(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias,
                                                           const at::Tensor& runningMean, const at::Tensor& runningVar, bool training,
                                                           double momentum, double eps, const OptionalTensor& plus, bool relu) {
  checkMap("batch_norm_relu", input);
  if (given(plus)) {
    checkMap("batch_norm_relu", *plus);
    TORCH_CHECK(plus->sizes() == input.sizes() && plus->scalar_type() == input.scalar_type(),
                "batch_norm_relu: the map to add is not of the input's shape and type");
  }
  const int64_t channels = input.size(1), rows = input.numel() / channels;
  for (const at::Tensor& vector : {weight, bias, runningMean, runningVar}) {
    TORCH_CHECK(vector.scalar_type() == at::kFloat && vector.numel() == channels && vector.is_contiguous(),
                "batch_norm_relu: weight, bias and running statistics are float32 [", channels, "]");
  }
  TORCH_CHECK(!training || rows > 1, "batch_norm_relu needs more than one value per channel");
  const Pieces pieces(rows, channels);
  at::Tensor mean = at::empty({channels}, at::kFloat), inverse = at::empty({channels}, at::kFloat);
  at::Tensor output = at::empty_like(input);
  byType(input.scalar_type(), [&](auto zero) {
    using T = decltype(zero);
    const T* x = input.data_ptr<T>();
    float *m = mean.data_ptr<float>(), *s = inverse.data_ptr<float>();
    float *rm = runningMean.data_ptr<float>(), *rv = runningVar.data_ptr<float>();
    if (training) {
      batchStatistics(x, pieces, channels, momentum, eps, m, s, rm, rv);
    } else {
      std::copy_n(rm, channels, m);
      for (int64_t c = 0; c < channels; c++) s[c] = static_cast<float>(1 / std::sqrt(rv[c] + eps));
    }
    const at::Tensor affine = affineOf(weight, bias, mean, inverse);
    const float *scale = affine.data_ptr<float>(), *shift = scale + channels;
    T* y = output.data_ptr<T>();
    const T* other = given(plus) ? plus->data_ptr<T>() : nullptr;
    const Lanes least = all(relu ? 0 : -std::numeric_limits<float>::infinity());
    at::parallel_for(0, rows, pieces.size, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; r++) {
        for (int64_t c = 0; c < channels; c += kLanes) {
          const int64_t at = r * channels + c;
          Lanes value = _mm256_fmadd_ps(load(x + at), load(scale + c), load(shift + c));
          if (other != nullptr) value = _mm256_add_ps(value, load(other + at));
          store(y + at, _mm256_max_ps(least, value));  // NaN stays
        }
      }
    });
  });
  return {output, mean, inverse};
}

// -> gradients of input, weight and bias
std::tuple<at::Tensor, at::Tensor, at::Tensor> backwardPass(const at::Tensor& gradient, const at::Tensor& input, const at::Tensor& weight,
                                                            const at::Tensor& bias, const at::Tensor& mean, const at::Tensor& inverse,
                                                            bool training, bool relu) {
  checkMap("batch_norm_relu_backward", input);
  checkMap("batch_norm_relu_backward", gradient);
  TORCH_CHECK(gradient.scalar_type() == input.scalar_type() && gradient.sizes() == input.sizes(),
              "batch_norm_relu_backward: the gradient is not of the map's shape and type");
  const int64_t channels = input.size(1), rows = input.numel() / channels;
  const Pieces pieces(rows, channels);
  const at::Tensor partial = at::empty({pieces.count(), 2, channels}, at::kFloat);
  const at::Tensor affine = affineOf(weight, bias, mean, inverse);
  const float* scale = affine.data_ptr<float>();
  const Affine at{scale, scale + channels, mean.data_ptr<float>(), inverse.data_ptr<float>()};
  at::Tensor dWeight = at::empty({channels}, at::kFloat), dBias = at::empty({channels}, at::kFloat);
  at::Tensor result = at::empty_like(input);
  byType(input.scalar_type(), [&](auto zero) {
    using T = decltype(zero);
    const T *x = input.data_ptr<T>(), *dy = gradient.data_ptr<T>();
    float* parts = partial.data_ptr<float>();
    at::parallel_for(0, pieces.count(), 1, [&](int64_t begin, int64_t end) {
      for (int64_t piece = begin; piece < end; piece++) {
        overChannels(channels, [&](int64_t c, auto width) {
          const int64_t from = piece * pieces.size * channels + c;
          float* plain = parts + piece * 2 * channels + c;
          const Affine here{at.scale + c, at.shift + c, at.mean + c, at.inverse + c};
          byRelu(relu, [&](auto gated) {
            gradientSums<decltype(width)::value, decltype(gated)::value>(x + from, dy + from, pieces.rowsOf(piece), channels, here, plain, plain + channels);
          });
        });
      }
    });
    std::vector<double> plain(channels), weighted(channels);
    for (int64_t piece = 0; piece < pieces.count(); piece++) {
      for (int64_t c = 0; c < channels; c++) {
        plain[c] += parts[piece * 2 * channels + c];
        weighted[c] += parts[(piece * 2 + 1) * channels + c];
      }
    }
    // dx = scale (g - mean of g - normalised x times the mean of g times normalised x) = scale g + slope (x -
    // mean) + offset; with running statistics, which are constant, scale g.
    const double share = training ? 1 / static_cast<double>(rows) : 0;
    std::vector<float> slope(channels), offset(channels);
    for (int64_t c = 0; c < channels; c++) {
      dBias.data_ptr<float>()[c] = static_cast<float>(plain[c]);
      dWeight.data_ptr<float>()[c] = static_cast<float>(weighted[c]);
      slope[c] = static_cast<float>(-at.scale[c] * at.inverse[c] * weighted[c] * share);
      offset[c] = static_cast<float>(-at.scale[c] * plain[c] * share);
    }
    T* dx = result.data_ptr<T>();
    byRelu(relu, [&](auto gated) {
      at::parallel_for(0, rows, pieces.size, [&](int64_t begin, int64_t end) {
        for (int64_t r = begin; r < end; r++) {
          for (int64_t c = 0; c < channels; c += kLanes) {
            const int64_t from = r * channels + c;
            const Lanes input = load(x + from), g = passed<decltype(gated)::value>(dy + from, input, at.scale + c, at.shift + c);
            const Lanes rest = _mm256_fmadd_ps(_mm256_sub_ps(input, load(at.mean + c)), load(&slope[c]), load(&offset[c]));
            store(dx + from, _mm256_fmadd_ps(g, load(at.scale + c), rest));
          }
        }
      });
    });
  });
  return {result, dWeight, dBias};
}

// The gradient that passes a ReLU with this output.
at::Tensor gatedGradient(const at::Tensor& gradient, const at::Tensor& output) {
  checkMap("batch_norm_relu_gate", gradient);
  checkMap("batch_norm_relu_gate", output);
  at::Tensor result = at::empty_like(gradient);
  byType(gradient.scalar_type(), [&](auto zero) {
    using T = decltype(zero);
    const T *dy = gradient.data_ptr<T>(), *y = output.data_ptr<T>();
    T* to = result.data_ptr<T>();
    at::parallel_for(0, gradient.numel() / kLanes, kPiece / kLanes, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin * kLanes; i < end * kLanes; i += kLanes) store(to + i, _mm256_and_ps(passes(load(y + i)), load(dy + i)));
    });
  });
  return result;
}

class BatchNormRelu : public torch::autograd::Function<BatchNormRelu> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& input, const at::Tensor& weight,
                            const at::Tensor& bias, const at::Tensor& runningMean, const at::Tensor& runningVar, bool training,
                            double momentum, double eps, const OptionalTensor& plus, bool relu) {
    static const auto op = operatorOf<decltype(forwardPass)>("reclmis::batch_norm_relu_forward");
    at::AutoDispatchBelowADInplaceOrView below;
    const auto [output, mean, inverse] = op.call(input, weight, bias, runningMean, runningVar, training, momentum, eps, plus, relu);
    const bool added = given(plus);
    context->save_for_backward({input, weight, bias, mean, inverse, added && relu ? output : at::Tensor()});
    context->saved_data["training"] = training;
    context->saved_data["relu"] = relu;
    context->saved_data["added"] = added;
    return output;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    static const auto op = operatorOf<decltype(backwardPass)>("reclmis::batch_norm_relu_backward");
    static const auto gate = operatorOf<decltype(gatedGradient)>("reclmis::batch_norm_relu_gate");
    const auto saved = context->get_saved_variables();
    const bool relu = context->saved_data["relu"].toBool(), added = context->saved_data["added"].toBool();
    at::AutoDispatchBelowADInplaceOrView below;
    // The added map's gradient is that of the sum, so it is written, and read in place of the output's.
    at::Tensor gradient = channelsLast(gradients[0]);
    if (added && relu) gradient = gate.call(gradient, saved[5]);
    const auto [input, weight, bias] = op.call(gradient, saved[0], saved[1], saved[2], saved[3], saved[4],
                                               context->saved_data["training"].toBool(), relu && !added);
    const at::Tensor none;
    return {input, weight, bias, none, none, none, none, none, added ? gradient : none, none};
  }
};

at::Tensor batchNormRelu(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias, const at::Tensor& runningMean,
                         const at::Tensor& runningVar, bool training, double momentum, double eps, const OptionalTensor& plus, bool relu) {
  return BatchNormRelu::apply(input, weight, bias, runningMean, runningVar, training, momentum, eps, plus, relu);
}

}  // namespace

#pragma GCC pop_options

TORCH_LIBRARY_FRAGMENT(reclmis, library) {
  library.def(
      "batch_norm_relu(Tensor input, Tensor weight, Tensor bias, Tensor(a!) running_mean, Tensor(b!) running_var, bool training, "
      "float momentum, float eps, Tensor? plus=None, bool relu=True) -> Tensor");
  library.def(
      "batch_norm_relu_forward(Tensor input, Tensor weight, Tensor bias, Tensor(a!) running_mean, Tensor(b!) running_var, "
      "bool training, float momentum, float eps, Tensor? plus, bool relu) -> (Tensor, Tensor, Tensor)");
  library.def(
      "batch_norm_relu_backward(Tensor gradient, Tensor input, Tensor weight, Tensor bias, Tensor mean, Tensor inverse, "
      "bool training, bool relu) -> (Tensor, Tensor, Tensor)");
  library.def("batch_norm_relu_gate(Tensor gradient, Tensor output) -> Tensor");
}

TORCH_LIBRARY_IMPL(reclmis, CPU, library) {
  library.impl("batch_norm_relu_forward", forwardPass);
  library.impl("batch_norm_relu_backward", backwardPass);
  library.impl("batch_norm_relu_gate", gatedGradient);
}

TORCH_LIBRARY_IMPL(reclmis, Autograd, library) { library.impl("batch_norm_relu", batchNormRelu); }
#endif

// 3x3 convolution, stride 1, dilation and padding d, of float32 or bfloat16 maps with AVX2 or AVX-512: Winograd's minimal
// filtering F(4x4, 3x3), forward and both gradients (Lavin and Gray, arXiv 1509.09308). Dilated, each of the d x d maps of
// every d-th pixel is one of its own.
//
//   reclmis::conv3x3(input [B,C,H,W], weight [K,C,3,3], bias [K] or none, lanes, the weight in frequencies or none, d) -> [B,K,H,W]
//   reclmis::conv3x3_transform(weight) -> the weight in frequencies, for reuse
//   reclmis::conv3x3_packed(input, the weight in frequencies, shift [K], another map to add or none, relu, lanes, d) -> [B,K,H,W]
//   = ReLU(convolution + shift + map), for evaluation: no gradient
//
// C and K are multiples of 16, maps channels-last. Weights, bias, their gradients and all sums are float32;
// bfloat16 maps are rounded once, when written. Autocast casts only the input.
//
//     Y = A'[(G w G') . (B' d B)]A summed over C,
//
// with d a 6x6 window of the input at steps of 4, w the weights, . elementwise. So each of the 36 elements f is
// a matrix product V_f [tiles, C] x U_f [C, K] = M_f [tiles, K]. The gradients are the adjoints: for the input
// the same convolution with turned and exchanged weights, for the weights G'[sum over tiles of V_f' (A dY
// A')_f]G. The order of sums depends on the shapes alone, not on the number of threads.
#include "winograd.h"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <limits>
#include <tuple>

#include "maps.h"
#include "optional.h"

namespace {

using reclmis::channelsLast;
using reclmis::operatorOf;
using reclmis::OptionalTensor;
using reclmis::winograd::Finish;
using reclmis::winograd::Grid;
using reclmis::winograd::Kernels;
using reclmis::winograd::Weights;

constexpr int64_t kChannels = 16;  // channels are multiples of this
constexpr float kAll = -std::numeric_limits<float>::infinity();

#ifdef RECLMIS_LANES
// For vectors of `lanes` floats; 0: the processor's widest.
template <typename Element>
Kernels<Element> kernels(int64_t lanes) {
  return reclmis::takesWideLanes(lanes, "conv3x3") ? reclmis::winograd::kernelsOf16<Element>()
                                                   : reclmis::winograd::kernelsOf8<Element>();
}
#else
template <typename Element>
Kernels<Element> kernels(int64_t) {
  TORCH_CHECK(false, "conv3x3 needs a processor with AVX2 and FMA");
}
#endif

Weights weightsOf(const at::Tensor& w) {
  return {w.data_ptr<float>(), w.size(0), w.size(1), w.stride(0), w.stride(1), w.stride(2), w.stride(3)};
}

Weights turnedWeights(const at::Tensor& w) {
  return {w.data_ptr<float>() + 2 * w.stride(2) + 2 * w.stride(3), w.size(1), w.size(0), w.stride(1), w.stride(0),
          -w.stride(2), -w.stride(3)};
}

void checkShapes(const at::Tensor& input, const at::Tensor& weight, int64_t dilation) {
  TORCH_CHECK(dilation > 0, "conv3x3: a dilation of at least 1");
  TORCH_CHECK(input.device().is_cpu() && weight.device().is_cpu(), "conv3x3 runs on the CPU");
  TORCH_CHECK(input.scalar_type() == at::kFloat || input.scalar_type() == at::kBFloat16,
              "conv3x3 takes float32 or bfloat16 maps");
  TORCH_CHECK(weight.scalar_type() == at::kFloat, "conv3x3 takes float32 weights");
  TORCH_CHECK(input.dim() == 4 && weight.dim() == 4 && weight.size(2) == 3 && weight.size(3) == 3,
              "conv3x3 takes an input [B,C,H,W] and a weight [K,C,3,3]");
  TORCH_CHECK(input.size(1) == weight.size(1), "conv3x3: ", input.size(1), " channels for a weight of ", weight.size(1));
  TORCH_CHECK(weight.size(0) % kChannels == 0 && weight.size(1) % kChannels == 0, "conv3x3 takes multiples of 16 channels");
}

at::Tensor emptyMap(const at::Tensor& like, int64_t channels) {
  return at::empty({like.size(0), channels, like.size(2), like.size(3)},
                   like.options().memory_format(at::MemoryFormat::ChannelsLast));
}

Grid gridOf(const at::Tensor& map, int64_t dilation) { return Grid(map.size(0), map.size(2), map.size(3), dilation); }

bool given(const OptionalTensor& tensor) { return tensor.has_value() && tensor->defined(); }

template <typename Element>
void convolveMap(const at::Tensor& x, const Weights& weights, const float* u, const float* shift, const at::Tensor& plus, float least, int64_t lanes,
                 int64_t dilation, const at::Tensor& y) {
  const Finish<Element> finish{shift, plus.defined() ? plus.data_ptr<Element>() : nullptr, least};
  kernels<Element>(lanes).convolve(x.data_ptr<Element>(), gridOf(x, dilation), weights, u, finish, y.data_ptr<Element>());
}

// `u`: the weights in frequencies, or null to compute them; `plus`: a channels-last map to add, or undefined; results are at least `least`.
at::Tensor convolve(const at::Tensor& input, const Weights& weights, const float* u, const float* shift, int64_t lanes, int64_t dilation,
                    const at::Tensor& plus = {}, float least = kAll) {
  const at::Tensor x = channelsLast(input);
  at::Tensor y = emptyMap(input, weights.outputs);
  if (y.numel() == 0) return y;
  if (x.scalar_type() == at::kBFloat16) convolveMap<c10::BFloat16>(x, weights, u, shift, plus, least, lanes, dilation, y);
  else convolveMap<float>(x, weights, u, shift, plus, least, lanes, dilation, y);
  return y;
}

at::Tensor conv3x3(const at::Tensor& input, const at::Tensor& weight, const OptionalTensor& bias, int64_t lanes,
                   const OptionalTensor& transformed, int64_t dilation) {
  checkShapes(input, weight, dilation);
  TORCH_CHECK(!given(bias) || (bias->dim() == 1 && bias->size(0) == weight.size(0) && bias->scalar_type() == at::kFloat),
              "conv3x3: a bias is float32 [K]");
  TORCH_CHECK(!given(transformed) || (transformed->scalar_type() == at::kFloat && transformed->is_contiguous() &&
                                      transformed->numel() >= reclmis::winograd::kFrequencies * weight.size(0) * weight.size(1)),
              "conv3x3: a transformed weight of another weight");
  const at::Tensor shift = given(bias) ? bias->contiguous() : at::Tensor();
  return convolve(input, weightsOf(weight), given(transformed) ? transformed->data_ptr<float>() : nullptr,
                  given(bias) ? shift.data_ptr<float>() : nullptr, lanes, dilation);
}

at::Tensor conv3x3Transform(const at::Tensor& weight, int64_t lanes) {
  checkShapes(at::empty({1, weight.size(1), 1, 1}), weight, 1);
  return kernels<float>(lanes).transform(weightsOf(weight));
}

at::Tensor conv3x3Packed(const at::Tensor& input, const at::Tensor& transformed, const at::Tensor& shift, const OptionalTensor& plus, bool relu,
                         int64_t lanes, int64_t dilation) {
  const int64_t outputs = shift.numel(), inputs = input.size(1);
  checkShapes(input, at::empty({1}, at::kFloat).expand({outputs, inputs, 3, 3}), dilation);
  TORCH_CHECK(shift.scalar_type() == at::kFloat && shift.is_contiguous(), "conv3x3_packed: the shift is float32 [K]");
  TORCH_CHECK(transformed.scalar_type() == at::kFloat && transformed.is_contiguous() &&
                  transformed.numel() >= reclmis::winograd::kFrequencies * outputs * inputs,
              "conv3x3_packed: a transformed weight of another weight");
  TORCH_CHECK(!given(plus) || (plus->device().is_cpu() && plus->scalar_type() == input.scalar_type() &&
                               plus->sizes() == at::IntArrayRef({input.size(0), outputs, input.size(2), input.size(3)})),
              "conv3x3_packed: the map to add is not of the result's shape and type");
  const Weights weights{nullptr, outputs, inputs, 0, 0, 0, 0};
  return convolve(input, weights, transformed.data_ptr<float>(), shift.data_ptr<float>(), lanes, dilation,
                  given(plus) ? channelsLast(*plus) : at::Tensor(), relu ? 0 : kAll);
}

at::Tensor conv3x3InputGradient(const at::Tensor& gradient, const at::Tensor& weight, int64_t lanes, int64_t dilation) {
  return convolve(gradient, turnedWeights(weight), nullptr, nullptr, lanes, dilation);
}

std::tuple<at::Tensor, at::Tensor> conv3x3WeightGradient(const at::Tensor& gradient, const at::Tensor& input,
                                                         const at::Tensor& weight, int64_t lanes, int64_t dilation) {
  const at::Tensor dy = channelsLast(gradient), x = channelsLast(input);
  at::Tensor dw = at::empty_like(weight), db = at::empty({weight.size(0)}, weight.options());
  const Grid grid = gridOf(dy, dilation);
  if (grid.tiles() == 0) return {dw.zero_(), db.zero_()};  // empty maps have no stages
  if (x.scalar_type() == at::kBFloat16) {
    kernels<c10::BFloat16>(lanes).weightGradient(x.data_ptr<c10::BFloat16>(), dy.data_ptr<c10::BFloat16>(), grid,
                                                 weightsOf(dw), db.data_ptr<float>());
  } else {
    kernels<float>(lanes).weightGradient(x.data_ptr<float>(), dy.data_ptr<float>(), grid, weightsOf(dw),
                                         db.data_ptr<float>());
  }
  return {dw, db};
}

class Conv3x3 : public torch::autograd::Function<Conv3x3> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& input, const at::Tensor& weight,
                            const OptionalTensor& bias, int64_t lanes, const OptionalTensor& transformed, int64_t dilation) {
    static const auto op = operatorOf<decltype(conv3x3)>("reclmis::conv3x3");
    at::AutoDispatchBelowADInplaceOrView below;
    context->save_for_backward({input, weight});
    context->saved_data["biased"] = given(bias);
    context->saved_data["lanes"] = lanes;
    context->saved_data["dilation"] = dilation;
    return op.call(input, weight, bias, lanes, transformed, dilation);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    static const auto toInput = operatorOf<decltype(conv3x3InputGradient)>("reclmis::conv3x3_input_gradient");
    static const auto toWeight = operatorOf<decltype(conv3x3WeightGradient)>("reclmis::conv3x3_weight_gradient");
    const auto saved = context->get_saved_variables();
    const at::Tensor &input = saved[0], &weight = saved[1], gradient = channelsLast(gradients[0]);
    const int64_t lanes = context->saved_data["lanes"].toInt(), dilation = context->saved_data["dilation"].toInt();
    const bool biased = context->saved_data["biased"].toBool();
    at::AutoDispatchBelowADInplaceOrView below;
    at::Tensor dw, db;
    if (weight.requires_grad() || biased) std::tie(dw, db) = toWeight.call(gradient, input, weight, lanes, dilation);
    const at::Tensor none;
    return {input.requires_grad() ? toInput.call(gradient, weight, lanes, dilation) : none,
            weight.requires_grad() ? dw : none, biased ? db : none, none, none, none};
  }
};

at::Tensor conv3x3WithGradient(const at::Tensor& input, const at::Tensor& weight, const OptionalTensor& bias, int64_t lanes,
                               const OptionalTensor& transformed, int64_t dilation) {
  return Conv3x3::apply(input, weight, bias, lanes, transformed, dilation);
}

// The kernels transform weights in float32: rounding them would gain nothing.
at::Tensor conv3x3Autocast(const at::Tensor& input, const at::Tensor& weight, const OptionalTensor& bias, int64_t lanes,
                           const OptionalTensor& transformed, int64_t dilation) {
  static const auto op = operatorOf<decltype(conv3x3)>("reclmis::conv3x3");
  c10::impl::ExcludeDispatchKeyGuard off(c10::DispatchKey::AutocastCPU);
  return op.call(at::autocast::cached_cast(at::kBFloat16, input, c10::DeviceType::CPU), weight, bias, lanes, transformed, dilation);
}

}  // namespace

// `lanes` is for tests.
TORCH_LIBRARY(reclmis, library) {
  library.def("conv3x3(Tensor input, Tensor weight, Tensor? bias, int lanes=0, Tensor? transformed=None, int dilation=1) -> Tensor");
  library.def("conv3x3_transform(Tensor weight, int lanes=0) -> Tensor");
  library.def("conv3x3_packed(Tensor input, Tensor transformed, Tensor shift, Tensor? plus, bool relu, int lanes=0, int dilation=1) -> Tensor");
  library.def("conv3x3_input_gradient(Tensor gradient, Tensor weight, int lanes=0, int dilation=1) -> Tensor");
  library.def("conv3x3_weight_gradient(Tensor gradient, Tensor input, Tensor weight, int lanes=0, int dilation=1) -> (Tensor, Tensor)");
}

TORCH_LIBRARY_IMPL(reclmis, CPU, library) {
  library.impl("conv3x3", conv3x3);
  library.impl("conv3x3_transform", conv3x3Transform);
  library.impl("conv3x3_packed", conv3x3Packed);
  library.impl("conv3x3_input_gradient", conv3x3InputGradient);
  library.impl("conv3x3_weight_gradient", conv3x3WeightGradient);
}

TORCH_LIBRARY_IMPL(reclmis, Autograd, library) { library.impl("conv3x3", conv3x3WithGradient); }

TORCH_LIBRARY_IMPL(reclmis, AutocastCPU, library) { library.impl("conv3x3", conv3x3Autocast); }

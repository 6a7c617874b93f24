// Convolutions as matrix products, for channels-last maps of float32 with AVX2 or AVX-512: whatever is not 3x3
// with stride 1 (`winograd.cc`), most of all 1x1, which multiplies the map itself without a copy.
//
//   reclmis::conv2d(input [B,C,H,W], weight [K,C,h,w], bias [K] or none, stride, padding, lanes) -> [B,K,H',W']
//   reclmis::conv2d_pack(weight) -> the weight in panels, for reuse
//   reclmis::conv2d_packed(input, panels, shift [K], another map to add or none, relu, kernel, stride, padding)
//   -> [B,K,H',W'] = ReLU(convolution + shift + map), for evaluation: no gradient
//   reclmis::linear_packed(input [..,C], panels, bias [K] or none, another of the result's shape to add or none, K, relu, gelu) -> [..,K]:
//   the same of rows, activated or not
//   reclmis::conv_transpose2d(input [B,C,H,W], weight [C,K,h,w], bias [K] or none, size, stride, padding) -> [B,K,size]: the
//   input's gradient of a convolution, as an operator
//
// Each output pixel is a row, its patch of the input times the weight [h w C, K]. The gradient of the input is
// the same for each place within a stride, with patches of the output's gradient; that of the weight is a sum
// over pixels, in pieces that depend on the shapes alone. So results do not depend on the number of threads.
#include "convolution.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <limits>
#include <tuple>

#include "maps.h"
#include "optional.h"

#ifdef RECLMIS_LANES

namespace {

using reclmis::channelsLast;
using reclmis::operatorOf;
using reclmis::OptionalTensor;
using reclmis::convolution::Finish;
using reclmis::convolution::Kernels;
using reclmis::convolution::Patches;
using reclmis::convolution::Target;
using reclmis::convolution::Weights;

constexpr float kAll = -std::numeric_limits<float>::infinity();

// For vectors of `lanes` floats; 0: the processor's widest.
Kernels kernels(int64_t lanes) {
  return reclmis::takesWideLanes(lanes, "conv2d") ? reclmis::convolution::kernelsOf16() : reclmis::convolution::kernelsOf8();
}

bool given(const OptionalTensor& tensor) { return tensor.has_value() && tensor->defined(); }

bool isFloat(const at::Tensor& tensor) { return tensor.device().is_cpu() && tensor.scalar_type() == at::kFloat; }

// Height and width of a kernel, its steps and the zeros around the map.
struct Shape {
  int64_t down, across, stepY, stepX, top, left;

  Shape(at::IntArrayRef kernel, at::IntArrayRef stride, at::IntArrayRef padding) {
    TORCH_CHECK(kernel.size() == 2 && stride.size() == 2 && padding.size() == 2, "conv2d: kernel, stride and padding are pairs");
    std::tie(down, across, stepY, stepX, top, left) = std::make_tuple(kernel[0], kernel[1], stride[0], stride[1], padding[0], padding[1]);
    TORCH_CHECK(down > 0 && across > 0 && stepY > 0 && stepX > 0 && top >= 0 && left >= 0, "conv2d: a kernel, stride or padding below its least");
  }
  int64_t rows(int64_t height) const { return (height + 2 * top - down) / stepY + 1; }
  int64_t columns(int64_t width) const { return (width + 2 * left - across) / stepX + 1; }
};

Shape shapeOf(const at::Tensor& input, const at::Tensor& weight, at::IntArrayRef stride, at::IntArrayRef padding) {
  TORCH_CHECK(isFloat(input) && isFloat(weight), "conv2d takes float32 on the CPU");
  TORCH_CHECK(input.dim() == 4 && weight.dim() == 4 && input.size(1) == weight.size(1) && weight.numel() > 0,
              "conv2d takes an input [B,C,H,W] and a weight [K,C,h,w]");
  return Shape(weight.sizes().slice(2), stride, padding);
}

// The patches of `input` [B,C,H,W] that the outputs see.
Patches patchesOf(const at::Tensor& input, const Shape& s) {
  const int64_t height = input.size(2), width = input.size(3);
  TORCH_CHECK(height + 2 * s.top >= s.down && width + 2 * s.left >= s.across, "conv2d: the kernel is larger than the padded map");
  return {input.size(0), s.rows(height), s.columns(width), height, width, input.size(1), s.stepY, s.stepX, -s.top, -s.left, s.down, s.across};
}

Weights weightsOf(const at::Tensor& w) {
  return {w.data_ptr<float>(), w.size(0), w.size(1), w.size(2), w.size(3), w.stride(0), w.stride(1), w.stride(2), w.stride(3)};
}

at::Tensor emptyMap(const Patches& patches, int64_t channels) {
  return at::empty({patches.batch, channels, patches.rows, patches.columns}, at::TensorOptions(at::kFloat).memory_format(at::MemoryFormat::ChannelsLast));
}

at::Tensor convolve(const at::Tensor& input, const float* u, int64_t outputs, const Shape& shape, const Finish& finish, int64_t lanes) {
  const at::Tensor x = channelsLast(input);
  const Patches patches = patchesOf(x, shape);
  at::Tensor y = emptyMap(patches, outputs);
  const Target target{y.data_ptr<float>(), patches.rows, patches.columns, 1, 1, 0, 0};
  if (y.numel() > 0) kernels(lanes).convolve(x.data_ptr<float>(), patches, u, outputs, finish, target);
  return y;
}

at::Tensor conv2d(const at::Tensor& input, const at::Tensor& weight, const OptionalTensor& bias, at::IntArrayRef stride, at::IntArrayRef padding,
                  int64_t lanes) {
  const Shape shape = shapeOf(input, weight, stride, padding);
  TORCH_CHECK(!given(bias) || (isFloat(*bias) && bias->dim() == 1 && bias->size(0) == weight.size(0)), "conv2d: a bias is float32 [K]");
  const at::Tensor shift = given(bias) ? bias->contiguous() : at::Tensor(), u = kernels(lanes).pack(weightsOf(weight));
  return convolve(input, u.data_ptr<float>(), weight.size(0), shape, {given(bias) ? shift.data_ptr<float>() : nullptr, nullptr, kAll}, lanes);
}

at::Tensor conv2dPack(const at::Tensor& weight, int64_t lanes) {
  TORCH_CHECK(isFloat(weight) && weight.dim() == 4 && weight.numel() > 0, "conv2d_pack takes a float32 weight [K,C,h,w]");
  return kernels(lanes).pack(weightsOf(weight));
}

at::Tensor conv2dPacked(const at::Tensor& input, const at::Tensor& packed, const at::Tensor& shift, const OptionalTensor& plus, bool relu,
                        at::IntArrayRef kernel, at::IntArrayRef stride, at::IntArrayRef padding, int64_t lanes) {
  const Shape shape(kernel, stride, padding);
  TORCH_CHECK(isFloat(input) && input.dim() == 4, "conv2d_packed takes a float32 input [B,C,H,W] on the CPU");
  TORCH_CHECK(isFloat(shift) && shift.dim() == 1 && shift.is_contiguous(), "conv2d_packed: the shift is float32 [K]");
  TORCH_CHECK(isFloat(packed) && packed.is_contiguous() && packed.numel() >= shape.down * shape.across * input.size(1) * shift.numel(),
              "conv2d_packed: panels of another weight");
  at::Tensor map;
  if (given(plus)) {
    const Patches patches = patchesOf(input, shape);
    TORCH_CHECK(isFloat(*plus) && plus->sizes() == at::IntArrayRef({patches.batch, shift.numel(), patches.rows, patches.columns}),
                "conv2d_packed: the map to add is not of the result's shape");
    map = channelsLast(*plus);
  }
  const Finish finish{shift.data_ptr<float>(), given(plus) ? map.data_ptr<float>() : nullptr, relu ? 0 : kAll};
  return convolve(input, packed.data_ptr<float>(), shift.numel(), shape, finish, lanes);
}

at::Tensor linearPacked(const at::Tensor& input, const at::Tensor& packed, const OptionalTensor& bias, const OptionalTensor& plus, int64_t outputs, bool relu,
                        bool gelu, int64_t lanes) {
  TORCH_CHECK(isFloat(input) && input.dim() > 0 && outputs > 0, "linear_packed takes a float32 input [..,C] on the CPU");
  const int64_t channels = input.size(-1);
  TORCH_CHECK(!given(bias) || (isFloat(*bias) && bias->is_contiguous() && bias->sizes() == at::IntArrayRef({outputs})), "linear_packed: a bias is float32 [K]");
  const int64_t width = reclmis::takesWideLanes(lanes, "linear_packed") ? 16 : 8, padded = (outputs + width - 1) / width * width;
  TORCH_CHECK(channels > 0 && isFloat(packed) && packed.is_contiguous() && packed.numel() == channels * padded, "linear_packed: panels of another weight");
  std::vector<int64_t> sizes = input.sizes().vec();
  sizes.back() = outputs;
  TORCH_CHECK(!given(plus) || (isFloat(*plus) && plus->sizes() == at::IntArrayRef(sizes)), "linear_packed: what to add is not of the result's shape");
  const at::Tensor x = input.contiguous(), other = given(plus) ? plus->contiguous() : at::Tensor();
  at::Tensor y = at::empty(sizes, input.options());
  const Patches rows{x.numel() / channels, 1, 1, 1, 1, channels, 1, 1, 0, 0, 1, 1};
  const Finish finish{given(bias) ? bias->data_ptr<float>() : nullptr, given(plus) ? other.data_ptr<float>() : nullptr, relu ? 0 : kAll, gelu};
  const Target target{y.data_ptr<float>(), 1, 1, 1, 1, 0, 0};
  if (y.numel() > 0) kernels(lanes).convolve(x.data_ptr<float>(), rows, packed.data_ptr<float>(), outputs, finish, target);
  return y;
}

// One axis of the input's pixels `phase`, `phase + step`, ..: which taps of the kernel reach them, in the order
// of the outputs that they come from.
struct Phase {
  int64_t count, taps, last, first;  // pixels; taps; the kernel's place that the first tap is; the first tap's output

  Phase(int64_t length, int64_t phase, int64_t step, int64_t kernel, int64_t padding) {
    const int64_t least = (phase + padding) % step;
    count = (length - phase + step - 1) / step;
    taps = least < kernel ? (kernel - least - 1) / step + 1 : 0;
    last = least + (taps - 1) * step;
    first = (phase + padding - last) / step;
  }
};

at::Tensor inputGradient(const at::Tensor& gradient, const at::Tensor& weight, at::IntArrayRef size, at::IntArrayRef stride, at::IntArrayRef padding,
                         int64_t lanes) {
  TORCH_CHECK(isFloat(gradient) && isFloat(weight), "conv2d_input_gradient takes float32 on the CPU");
  const Shape s(weight.sizes().slice(2), stride, padding);
  const at::Tensor dy = channelsLast(gradient);
  const int64_t batch = dy.size(0), outputs = dy.size(1), inputs = weight.size(1), height = size[0], width = size[1];
  at::Tensor dx = at::empty({batch, inputs, height, width}, at::TensorOptions(at::kFloat).memory_format(at::MemoryFormat::ChannelsLast));
  if (s.stepY > s.down || s.stepX > s.across) dx.zero_();  // pixels that no patch holds
  if (dx.numel() == 0 || dy.numel() == 0) return dx.zero_();
  const Kernels with = kernels(lanes);
  for (int64_t i = 0; i < std::min(s.stepY, height); i++) {
    for (int64_t j = 0; j < std::min(s.stepX, width); j++) {
      const Phase y(height, i, s.stepY, s.down, s.top), x(width, j, s.stepX, s.across, s.left);
      if (y.taps == 0 || x.taps == 0) continue;
      const Weights taps{weight.data_ptr<float>() + y.last * weight.stride(2) + x.last * weight.stride(3),
                         inputs,
                         outputs,
                         y.taps,
                         x.taps,
                         weight.stride(1),
                         weight.stride(0),
                         -s.stepY * weight.stride(2),
                         -s.stepX * weight.stride(3)};
      const at::Tensor u = with.pack(taps);
      const Patches patches{batch, y.count, x.count, dy.size(2), dy.size(3), outputs, 1, 1, y.first, x.first, y.taps, x.taps};
      const Target target{dx.data_ptr<float>(), height, width, s.stepY, s.stepX, i, j};
      with.convolve(dy.data_ptr<float>(), patches, u.data_ptr<float>(), inputs, {nullptr, nullptr, kAll}, target);
    }
  }
  return dx;
}

std::tuple<at::Tensor, at::Tensor> weightGradient(const at::Tensor& gradient, const at::Tensor& input, const at::Tensor& weight, at::IntArrayRef stride,
                                                  at::IntArrayRef padding, int64_t lanes) {
  const Shape shape = shapeOf(input, weight, stride, padding);
  TORCH_CHECK(isFloat(gradient), "conv2d_weight_gradient takes float32 on the CPU");
  const at::Tensor dy = channelsLast(gradient), x = channelsLast(input);
  at::Tensor dw = at::empty_like(weight), db = at::empty({weight.size(0)}, weight.options());
  if (dy.numel() == 0) return {dw.zero_(), db.zero_()};
  kernels(lanes).weightGradient(x.data_ptr<float>(), patchesOf(x, shape), dy.data_ptr<float>(), weightsOf(dw), db.data_ptr<float>());
  return {dw, db};
}

at::Tensor convTranspose2d(const at::Tensor& input, const at::Tensor& weight, const OptionalTensor& bias, at::IntArrayRef size,
                           at::IntArrayRef stride, at::IntArrayRef padding) {
  TORCH_CHECK(isFloat(input) && isFloat(weight) && input.dim() == 4 && weight.dim() == 4 && input.size(1) == weight.size(0),
              "conv_transpose2d takes a float32 input [B,C,H,W] and a weight [C,K,h,w] on the CPU");
  const Shape shape(weight.sizes().slice(2), stride, padding);
  TORCH_CHECK(size.size() == 2 && shape.rows(size[0]) == input.size(2) && shape.columns(size[1]) == input.size(3),
              "conv_transpose2d: no map of this size convolves to the input's");
  at::Tensor y = inputGradient(input, weight, size, stride, padding, 0);
  if (given(bias)) y.add_(bias->view({1, -1, 1, 1}));
  return y;
}

class Conv2d : public torch::autograd::Function<Conv2d> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& input, const at::Tensor& weight, const OptionalTensor& bias,
                            at::IntArrayRef stride, at::IntArrayRef padding, int64_t lanes) {
    static const auto op = operatorOf<decltype(conv2d)>("reclmis::conv2d");
    at::AutoDispatchBelowADInplaceOrView below;
    context->save_for_backward({input, weight});
    context->saved_data["biased"] = given(bias);
    context->saved_data["stride"] = stride.vec();
    context->saved_data["padding"] = padding.vec();
    context->saved_data["lanes"] = lanes;
    return op.call(input, weight, bias, stride, padding, lanes);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, torch::autograd::variable_list gradients) {
    static const auto toInput = operatorOf<decltype(inputGradient)>("reclmis::conv2d_input_gradient");
    static const auto toWeight = operatorOf<decltype(weightGradient)>("reclmis::conv2d_weight_gradient");
    const auto saved = context->get_saved_variables();
    const at::Tensor &input = saved[0], &weight = saved[1], gradient = channelsLast(gradients[0]);
    const std::vector<int64_t> stride = context->saved_data["stride"].toIntVector(), padding = context->saved_data["padding"].toIntVector();
    const int64_t lanes = context->saved_data["lanes"].toInt();
    const bool biased = context->saved_data["biased"].toBool();
    at::AutoDispatchBelowADInplaceOrView below;
    at::Tensor dx, dw, db;
    if (input.requires_grad()) dx = toInput.call(gradient, weight, input.sizes().slice(2), stride, padding, lanes);
    if (weight.requires_grad() || biased) std::tie(dw, db) = toWeight.call(gradient, input, weight, stride, padding, lanes);
    return {dx, weight.requires_grad() ? dw : at::Tensor(), biased ? db : at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

class ConvTranspose2d : public torch::autograd::Function<ConvTranspose2d> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& input, const at::Tensor& weight, const OptionalTensor& bias,
                            at::IntArrayRef size, at::IntArrayRef stride, at::IntArrayRef padding) {
    static const auto op = operatorOf<decltype(convTranspose2d)>("reclmis::conv_transpose2d");
    at::AutoDispatchBelowADInplaceOrView below;
    context->save_for_backward({input, weight});
    context->saved_data["biased"] = given(bias);
    context->saved_data["stride"] = stride.vec();
    context->saved_data["padding"] = padding.vec();
    return op.call(input, weight, bias, size, stride, padding);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, torch::autograd::variable_list gradients) {
    static const auto toInput = operatorOf<decltype(conv2d)>("reclmis::conv2d");
    static const auto toWeight = operatorOf<decltype(weightGradient)>("reclmis::conv2d_weight_gradient");
    const auto saved = context->get_saved_variables();
    const at::Tensor &input = saved[0], &weight = saved[1], gradient = channelsLast(gradients[0]), none;
    const std::vector<int64_t> stride = context->saved_data["stride"].toIntVector(), padding = context->saved_data["padding"].toIntVector();
    at::AutoDispatchBelowADInplaceOrView below;
    at::Tensor dx, dw, db;
    if (input.requires_grad()) dx = toInput.call(gradient, weight, OptionalTensor(), stride, padding, 0);
    if (weight.requires_grad()) dw = std::get<0>(toWeight.call(input, gradient, weight, stride, padding, 0));
    if (context->saved_data["biased"].toBool()) db = gradient.sum(at::IntArrayRef({0, 2, 3}));
    return {dx, dw, db, none, none, none};
  }
};

at::Tensor convTranspose2dWithGradient(const at::Tensor& input, const at::Tensor& weight, const OptionalTensor& bias, at::IntArrayRef size,
                                       at::IntArrayRef stride, at::IntArrayRef padding) {
  return ConvTranspose2d::apply(input, weight, bias, size, stride, padding);
}

at::Tensor conv2dWithGradient(const at::Tensor& input, const at::Tensor& weight, const OptionalTensor& bias, at::IntArrayRef stride,
                              at::IntArrayRef padding, int64_t lanes) {
  return Conv2d::apply(input, weight, bias, stride, padding, lanes);
}

}  // namespace

// `lanes` is for tests.
TORCH_LIBRARY_FRAGMENT(reclmis, library) {
  library.def("conv2d(Tensor input, Tensor weight, Tensor? bias, int[2] stride, int[2] padding, int lanes=0) -> Tensor");
  library.def("conv2d_pack(Tensor weight, int lanes=0) -> Tensor");
  library.def(
      "linear_packed(Tensor input, Tensor packed, Tensor? bias, Tensor? plus, int outputs, bool relu, bool gelu, int lanes=0) -> Tensor");
  library.def(
      "conv2d_packed(Tensor input, Tensor packed, Tensor shift, Tensor? plus, bool relu, int[2] kernel, int[2] stride, int[2] padding, "
      "int lanes=0) -> Tensor");
  library.def("conv_transpose2d(Tensor input, Tensor weight, Tensor? bias, int[2] size, int[2] stride, int[2] padding) -> Tensor");
  library.def("conv2d_input_gradient(Tensor gradient, Tensor weight, int[2] size, int[2] stride, int[2] padding, int lanes=0) -> Tensor");
  library.def(
      "conv2d_weight_gradient(Tensor gradient, Tensor input, Tensor weight, int[2] stride, int[2] padding, int lanes=0) -> (Tensor, Tensor)");
}

TORCH_LIBRARY_IMPL(reclmis, CPU, library) {
  library.impl("conv2d", conv2d);
  library.impl("conv2d_pack", conv2dPack);
  library.impl("linear_packed", linearPacked);
  library.impl("conv2d_packed", conv2dPacked);
  library.impl("conv_transpose2d", convTranspose2d);
  library.impl("conv2d_input_gradient", inputGradient);
  library.impl("conv2d_weight_gradient", weightGradient);
}

TORCH_LIBRARY_IMPL(reclmis, Autograd, library) { 
  library.impl("conv2d", conv2dWithGradient);
  library.impl("conv_transpose2d", convTranspose2dWithGradient);
}
#endif

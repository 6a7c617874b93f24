// Multi-head attention over projected inputs, for float32 (Vaswani et al. 2017, eq. 1), with its gradient:
//
//   reclmis::attention(query [B,T,C], key [B,S,C], value [B,S,C], bias [B,H,T,S] or none, heads H, p) -> [B,T,C]
//
// softmax(q k' / sqrt(D) + bias), each weight dropped with probability p, times v, for H heads of D = C / H
// neighbouring channels. Heads are used in place, and a head's scores stay in the nearest caches. The
// backward pass has the weights; dropout is drawn again from the seed. One thread computes a head, so results
// do not depend on the number of threads.
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "maps.h"
#include "optional.h"
#include "philox.h"

#ifdef RECLMIS_LANES
#pragma GCC push_options
#pragma GCC target("avx2,fma")

namespace {

using reclmis::operatorOf;
using reclmis::OptionalTensor;
#include "vector8.h"
#include "products.h"
#include "attention_kernels.h"

struct Sizes {
  int64_t batch, queries, keys, channels, heads;
  int64_t width() const { return channels / heads; }
  // A row of scores in whole lanes; those after the last key are 0.
  int64_t row() const { return (keys + kLanes - 1) / kLanes * kLanes; }
  int64_t scores() const { return queries * row(); }
  int64_t packed() const { return std::max(queries, row()) * width(); }
  // Both ends may share groups with other heads; whole lanes are read after the last row.
  int64_t drawn() const { return queries * keys + 3 * reclmis::kGroup; }
};

// Whether rows of channels can be read in place. Without elements any strides do, even the 0 that
// `contiguous` leaves.
bool isRows(const at::Tensor& x) { return x.scalar_type() == at::kFloat && x.dim() == 3 && (x.stride(2) == 1 || x.numel() == 0); }

Sizes checked(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, int64_t heads) {
  TORCH_CHECK(reclmis::hasLanes() && query.device().is_cpu(), "attention runs on a CPU with AVX2");
  TORCH_CHECK(isRows(query) && isRows(key) && isRows(value), "attention takes float32 [B,T,C], [B,S,C] and [B,S,C], channels side by side");
  const int64_t batch = query.size(0), channels = query.size(2);
  TORCH_CHECK(key.sizes() == value.sizes() && key.size(0) == batch && key.size(2) == channels, "attention: keys and values [", batch, ",S,", channels, "]");
  TORCH_CHECK(query.size(1) > 0 && key.size(1) > 0, "attention: at least one query and one key");
  TORCH_CHECK(heads > 0 && channels % heads == 0 && channels / heads % kLanes == 0, "attention: heads of a multiple of ", kLanes, " channels");
  return {batch, query.size(1), key.size(1), channels, heads};
}

Rows rowsOf(const at::Tensor& x, int64_t b, int64_t h, int64_t width) {
  return {x.data_ptr<float>() + b * x.stride(0) + h * width, x.stride(1)};
}

// A head's dropout factors of its weights [T,S], in `drawn` from the returned place.
const float* drawFactors(const Sizes& sizes, int64_t head, const reclmis::Thinning& thinning, uint64_t seed, float* drawn) {
  const int64_t first = head * sizes.queries * sizes.keys, end = first + sizes.queries * sizes.keys;
  const int64_t begin = first / reclmis::kGroup, after = (end + kLanes + reclmis::kGroup - 1) / reclmis::kGroup;
  for (int64_t group = begin; group < after; group++) {
    __m256i numbers[4];
    reclmis::philox(seed, static_cast<uint64_t>(group), numbers);
    for (int i = 0; i < 4; i++) store(drawn + (group - begin) * reclmis::kGroup + i * kLanes, thinning.of(same(1), numbers[i]));
  }
  return drawn + first - begin * reclmis::kGroup;
}

// to [T, S] = values times factors; rows of `to` and `values` are whole lanes with zeros, those of factors S.
void multiplyRows(const Sizes& sizes, const float* values, const float* factors, float* to) {
  const int64_t row = sizes.row();
  for (int64_t t = 0; t < sizes.queries; t++) {
    const float *own = values + t * row, *by = factors + t * sizes.keys;
    for (int64_t s = 0; s < row; s += kLanes) store(to + t * row + s, multiply(load(own + s), load(by + s)));
  }
}

struct Bias {
  const float* at = nullptr;
  int64_t row = 0, column = 0;

  static Bias of(const at::Tensor& bias, int64_t b, int64_t h) {
    if (!bias.defined()) return {};
    return {bias.data_ptr<float>() + b * bias.stride(0) + h * bias.stride(1), bias.stride(2), bias.stride(3)};
  }
};

// -> output [B,T,C], weights before dropout [B,H,T, whole lanes of S]
std::tuple<at::Tensor, at::Tensor> forwardPass(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, const OptionalTensor& given,
                                               int64_t heads, double p, int64_t seed) {
  const Sizes sizes = checked(query, key, value, heads);
  const at::Tensor bias = given.has_value() ? *given : at::Tensor();
  TORCH_CHECK(!bias.defined() || (bias.scalar_type() == at::kFloat && bias.sizes() == at::IntArrayRef({sizes.batch, heads, sizes.queries, sizes.keys})),
              "attention: a float32 bias [B,H,T,S]");
  at::Tensor output = at::empty({sizes.batch, sizes.queries, sizes.channels}, query.options());
  at::Tensor weights = at::empty({sizes.batch, heads, sizes.queries, sizes.row()}, query.options());
  const int64_t width = sizes.width(), row = sizes.row(), each = 2 * sizes.packed() + sizes.scores() + sizes.drawn();
  const at::Tensor scratch = at::empty({at::get_num_threads(), each}, query.options());
  const float scale = static_cast<float>(1 / std::sqrt(static_cast<double>(width)));
  const reclmis::Thinning thinning(p);
  float *out = output.data_ptr<float>(), *all = weights.data_ptr<float>(), *work = scratch.data_ptr<float>();
  at::parallel_for(0, sizes.batch * heads, 1, [&](int64_t begin, int64_t end) {
    float *keys = work + at::get_thread_num() * each, *values = keys + sizes.packed(), *kept = values + sizes.packed(), *drawn = kept + sizes.scores();
    for (int64_t head = begin; head < end; head++) {
      const int64_t b = head / heads, h = head % heads;
      const Rows q = rowsOf(query, b, h, width);
      float* own = all + head * sizes.scores();
      packTurned(rowsOf(key, b, h, width), sizes.keys, width, row, keys);
      product(q.at, q.row, keys, sizes.queries, width, row, own, row);
      const Bias shift = Bias::of(bias, b, h);
      for (int64_t t = 0; t < sizes.queries; t++) {
        float* scores = own + t * row;
        for (int64_t s = 0; s < row; s += kLanes) store(scores + s, multiply(load(scores + s), same(scale)));
        if (shift.at != nullptr) {
          const float* by = shift.at + t * shift.row;
          int64_t s = 0;
          if (shift.column == 1) {
            for (; s + kLanes <= sizes.keys; s += kLanes) store(scores + s, add(load(scores + s), load(by + s)));
          }
          for (; s < sizes.keys; s++) scores[s] += by[s * shift.column];
        }
        softmax(scores, sizes.keys, row);
      }
      const float* weighing = own;
      if (p > 0) {
        multiplyRows(sizes, own, drawFactors(sizes, head, thinning, static_cast<uint64_t>(seed), drawn), kept);
        weighing = kept;
      }
      pack(rowsOf(value, b, h, width), sizes.keys, width, values);
      product(weighing, row, values, sizes.queries, sizes.keys, width, out + b * sizes.queries * sizes.channels + h * width, sizes.channels);
    }
  });
  return {output, weights};
}

// -> gradients of query, key, value, and of bias [B,H,T,S] if wanted, otherwise empty
std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor> backwardPass(const at::Tensor& gradient, const at::Tensor& query, const at::Tensor& key,
                                                                        const at::Tensor& value, const at::Tensor& weights, int64_t heads, double p,
                                                                        int64_t seed, bool toBias) {
  const Sizes sizes = checked(query, key, value, heads);
  TORCH_CHECK(isRows(gradient) && gradient.sizes() == query.sizes(), "attention_backward: a float32 gradient [B,T,C]");
  const auto like = [](const at::Tensor& x) { return at::empty(x.sizes(), x.options()); };
  at::Tensor dQuery = like(query), dKey = like(key), dValue = like(value);
  at::Tensor dBias = at::empty(toBias ? at::IntArrayRef({sizes.batch, heads, sizes.queries, sizes.keys}) : at::IntArrayRef({0}), query.options());
  const int64_t width = sizes.width(), row = sizes.row(), each = sizes.packed() + 2 * sizes.scores() + sizes.drawn();
  const at::Tensor scratch = at::empty({at::get_num_threads(), each}, query.options());
  const float scale = static_cast<float>(1 / std::sqrt(static_cast<double>(width)));
  const reclmis::Thinning thinning(p);
  const float* all = weights.data_ptr<float>();
  float *dq = dQuery.data_ptr<float>(), *dk = dKey.data_ptr<float>(), *dv = dValue.data_ptr<float>(), *db = dBias.data_ptr<float>();
  float* work = scratch.data_ptr<float>();
  at::parallel_for(0, sizes.batch * heads, 1, [&](int64_t begin, int64_t end) {
    float *packed = work + at::get_thread_num() * each, *dScores = packed + sizes.packed(), *kept = dScores + sizes.scores(), *drawn = kept + sizes.scores();
    for (int64_t head = begin; head < end; head++) {
      const int64_t b = head / heads, h = head % heads;
      const Rows dOut = rowsOf(gradient, b, h, width);
      const float* own = all + head * sizes.scores();
      const int64_t ofQuery = b * sizes.queries * sizes.channels + h * width, ofKey = b * sizes.keys * sizes.channels + h * width;
      packTurned(rowsOf(value, b, h, width), sizes.keys, width, row, packed);
      product(dOut.at, dOut.row, packed, sizes.queries, width, row, dScores, row);
      const float* weighing = own;
      if (p > 0) {
        const float* factors = drawFactors(sizes, head, thinning, static_cast<uint64_t>(seed), drawn);
        multiplyRows(sizes, own, factors, kept);
        multiplyRows(sizes, dScores, factors, dScores);
        weighing = kept;
      }
      pack(dOut, sizes.queries, width, packed);
      product<true>(weighing, row, packed, sizes.keys, sizes.queries, width, dv + ofKey, sizes.channels);
      for (int64_t t = 0; t < sizes.queries; t++) {
        const float* w = own + t * row;
        float* d = dScores + t * row;
        Vector sums = zero();
        for (int64_t s = 0; s < row; s += kLanes) sums = multiplyAdd(load(d + s), load(w + s), sums);
        const Vector mean = same(reclmis::sumOf(sums));
        for (int64_t s = 0; s < row; s += kLanes) store(d + s, multiply(load(w + s), subtract(load(d + s), mean)));
        if (toBias) std::copy_n(d, sizes.keys, db + (head * sizes.queries + t) * sizes.keys);
        for (int64_t s = 0; s < row; s += kLanes) store(d + s, multiply(load(d + s), same(scale)));
      }
      pack(rowsOf(key, b, h, width), sizes.keys, width, packed);
      product(dScores, row, packed, sizes.queries, sizes.keys, width, dq + ofQuery, sizes.channels);
      pack(rowsOf(query, b, h, width), sizes.queries, width, packed);
      product<true>(dScores, row, packed, sizes.keys, sizes.queries, width, dk + ofKey, sizes.channels);
    }
  });
  return {dQuery, dKey, dValue, dBias};
}

class Attention : public torch::autograd::Function<Attention> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                            const OptionalTensor& bias, int64_t heads, double p, int64_t seed) {
    static const auto op = operatorOf<decltype(forwardPass)>("reclmis::attention_forward");
    at::AutoDispatchBelowADInplaceOrView below;
    const auto [output, weights] = op.call(query, key, value, bias, heads, p, seed);
    context->save_for_backward({query, key, value, weights});
    context->saved_data["heads"] = heads;
    context->saved_data["p"] = p;
    context->saved_data["seed"] = seed;
    context->saved_data["to bias"] = bias.has_value() && bias->requires_grad();
    return output;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, torch::autograd::variable_list gradients) {
    static const auto op = operatorOf<decltype(backwardPass)>("reclmis::attention_backward");
    const auto saved = context->get_saved_variables();
    auto& data = context->saved_data;
    const bool toBias = data["to bias"].toBool();
    at::AutoDispatchBelowADInplaceOrView below;
    const auto [query, key, value, bias] = op.call(gradients[0].contiguous(), saved[0], saved[1], saved[2], saved[3], data["heads"].toInt(),
                                                   data["p"].toDouble(), data["seed"].toInt(), toBias);
    return {query, key, value, toBias ? bias : at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

at::Tensor attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, const OptionalTensor& bias, int64_t heads, double p) {
  TORCH_CHECK(p >= 0 && p < 1, "attention: a probability below 1, got ", p);
  return Attention::apply(query, key, value, bias, heads, p, p > 0 ? reclmis::drawnSeed() : 0);
}

}  // namespace

#pragma GCC pop_options

TORCH_LIBRARY_FRAGMENT(reclmis, library) {
  library.def("attention(Tensor query, Tensor key, Tensor value, Tensor? bias, int heads, float p) -> Tensor");
  library.def("attention_forward(Tensor query, Tensor key, Tensor value, Tensor? bias, int heads, float p, int seed) -> (Tensor, Tensor)");
  library.def(
      "attention_backward(Tensor gradient, Tensor query, Tensor key, Tensor value, Tensor weights, int heads, float p, int seed, bool bias) -> "
      "(Tensor, Tensor, Tensor, Tensor)");
}

TORCH_LIBRARY_IMPL(reclmis, CPU, library) {
  library.impl("attention_forward", forwardPass);
  library.impl("attention_backward", backwardPass);
}

TORCH_LIBRARY_IMPL(reclmis, Autograd, library) { library.impl("attention", attention); }
#endif

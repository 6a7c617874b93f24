// Attention within the windows of a map of tokens, for float32 (Liu et al. 2021, section 3), with its gradient:
//
//   reclmis::window_attention(qkv [B,H*W,3C], outside [3C] or none, table [(2M-1)^2,heads], H, W, M, shift, heads, barred) -> [B,H*W,C]
//
// softmax(q k' / sqrt(D) + bias) v for heads of D = C / heads neighbouring channels, within windows of M x M tokens of the map
// padded to multiples of M and rolled by -shift. The bias of a head and two places is the table's row for their difference, plus
// `barred` where the roll brought two regions into one window. Padded tokens have `outside` for query, key and value.
//
// Tokens are read where they are and results written there, so neither windows nor rolled maps are stored. A task is a head and a
// run of windows that depends on the shapes alone; sums over tasks have a fixed order, so results do not depend on the number of
// threads.
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <vector>

#include "maps.h"
#include "optional.h"

#ifdef RECLMIS_LANES
#pragma GCC push_options
#pragma GCC target("avx2,fma")

namespace {

using reclmis::operatorOf;
using reclmis::OptionalTensor;
#include "vector8.h"
#include "products.h"
#include "attention_kernels.h"

constexpr int64_t kTasks = 64;  // at least so many, where there are as many windows

int64_t up(int64_t count, int64_t step) { return (count + step - 1) / step; }

struct Layout {
  int64_t batch, height, width, side, shift, heads, channels;

  int64_t down() const { return up(height, side); }
  int64_t across() const { return up(width, side); }
  int64_t perMap() const { return down() * across(); }
  int64_t windows() const { return batch * perMap(); }
  int64_t tokens() const { return side * side; }
  int64_t depth() const { return channels / heads; }
  // A row of scores in whole lanes; those after the last key are 0.
  int64_t row() const { return up(tokens(), kLanes) * kLanes; }
  int64_t scores() const { return tokens() * row(); }
  int64_t packed() const { return row() * depth(); }
  int64_t runs() const { return std::clamp<int64_t>(up(kTasks, heads), 1, windows()); }
  int64_t perRun() const { return up(windows(), runs()); }
  int64_t differences() const { return 2 * side - 1; }
};

Layout checked(const at::Tensor& qkv, const OptionalTensor& outside, const at::Tensor& table, int64_t height, int64_t width, int64_t side,
               int64_t shift, int64_t heads) {
  TORCH_CHECK(reclmis::hasLanes() && qkv.device().is_cpu(), "window_attention runs on a CPU with AVX2");
  TORCH_CHECK(side > 0 && shift >= 0 && shift < side, "window_attention: a window of at least 1 and a shift below it");
  TORCH_CHECK(qkv.scalar_type() == at::kFloat && qkv.dim() == 3 && height > 0 && width > 0 && qkv.size(1) == height * width,
              "window_attention takes float32 [B,H*W,3C]");
  const int64_t channels = qkv.size(2) / 3;
  TORCH_CHECK(heads > 0 && qkv.size(2) == 3 * channels && channels % heads == 0 && channels / heads % kLanes == 0,
              "window_attention: heads of a multiple of ", kLanes, " channels");
  const Layout layout{qkv.size(0), height, width, side, shift, heads, channels};
  TORCH_CHECK(table.scalar_type() == at::kFloat && table.sizes() == at::IntArrayRef({layout.differences() * layout.differences(), heads}),
              "window_attention: a float32 table [(2M-1)^2,heads]");
  const bool whole = height % side == 0 && width % side == 0;
  TORCH_CHECK(whole || (outside.has_value() && outside->defined()), "window_attention: a padded map needs `outside`");
  TORCH_CHECK(whole || (outside->scalar_type() == at::kFloat && outside->sizes() == at::IntArrayRef({3 * channels})),
              "window_attention: `outside` is float32 [3C]");
  return layout;
}

// Where the tokens of a map's windows are, -1 for padding, and the region that each belongs to, -1 after the last.
struct Places {
  std::vector<int32_t> at, region;

  explicit Places(const Layout& layout) : at(layout.perMap() * layout.tokens()), region(layout.perMap() * layout.row(), -1) {
    const int64_t M = layout.side, tall = layout.down() * M, wide = layout.across() * M;
    const auto band = [&](int64_t place, int64_t side) { return (place >= side - M) + (place >= side - layout.shift); };
    for (int64_t w = 0; w < layout.perMap(); w++) {
      for (int64_t t = 0; t < layout.tokens(); t++) {
        const int64_t r = w / layout.across() * M + t / M, c = w % layout.across() * M + t % M;
        const int64_t row = (r + layout.shift) % tall, column = (c + layout.shift) % wide;
        at[w * layout.tokens() + t] = static_cast<int32_t>(row < layout.height && column < layout.width ? row * layout.width + column : -1);
        region[w * layout.row() + t] = layout.shift > 0 ? 3 * band(r, tall) + band(c, wide) : 0;
      }
    }
  }
};

// The table's row for a query and a key.
inline int64_t difference(const Layout& layout, int64_t t, int64_t s) {
  const int64_t M = layout.side;
  return (t / M - s / M + M - 1) * layout.differences() + t % M - s % M + M - 1;
}

// A head's bias [T, row], with zeros after the last key.
void biasOf(const Layout& layout, const float* table, int64_t head, float* to) {
  for (int64_t t = 0; t < layout.tokens(); t++) {
    for (int64_t s = 0; s < layout.row(); s++) {
      to[t * layout.row() + s] = s < layout.tokens() ? table[difference(layout, t, s) * layout.heads + head] : 0;
    }
  }
}

// Rows [T, D] of a window's head, times `scale`; `from` and `outside` point to the head's first channel.
void gather(const Layout& layout, const int32_t* at, const float* from, int64_t row, const float* outside, float scale, float* to) {
  const int64_t depth = layout.depth();
  for (int64_t t = 0; t < layout.tokens(); t++) {
    const float* source = at[t] >= 0 ? from + at[t] * row : outside;
    for (int64_t d = 0; d < depth; d += kLanes) store(to + t * depth + d, source == nullptr ? zero() : multiply(load(source + d), same(scale)));
  }
}

// Writes such rows back; those of padded tokens are added to `outside`, if there is one.
void scatter(const Layout& layout, const int32_t* at, const float* from, float scale, float* to, int64_t row, float* outside) {
  const int64_t depth = layout.depth();
  for (int64_t t = 0; t < layout.tokens(); t++) {
    for (int64_t d = 0; d < depth; d += kLanes) {
      const Vector value = multiply(load(from + t * depth + d), same(scale));
      if (at[t] >= 0) store(to + at[t] * row + d, value);
      else if (outside != nullptr) store(outside + d, add(load(outside + d), value));
    }
  }
}

// Adds bias, and `barred` between regions, to a window's scores, and takes their softmax.
void weigh(const Layout& layout, const float* bias, const int32_t* region, float barred, float* scores) {
  const int64_t row = layout.row();
  const bool mixed = std::any_of(region, region + layout.tokens(), [&](int32_t one) { return one != region[0]; });
  for (int64_t t = 0; t < layout.tokens(); t++) {
    float* own = scores + t * row;
    const float* by = bias + t * row;
    for (int64_t s = 0; s < row; s += kLanes) {
      Vector value = add(load(own + s), load(by + s));
      if (mixed) {
        const __m256i others = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(region + s));
        const __m256i alike = _mm256_cmpeq_epi32(others, _mm256_set1_epi32(region[t]));
        value = add(value, _mm256_andnot_ps(_mm256_castsi256_ps(alike), same(barred)));
      }
      store(own + s, value);
    }
    softmax(own, layout.tokens(), row);
  }
}

// Calls body(head, run, first window, end of windows, this thread's scratch of `each` floats) for all tasks.
template <typename Body>
void overTasks(const Layout& layout, int64_t each, const Body& body) {
  const at::Tensor scratch = at::empty({at::get_num_threads(), each}, at::kFloat);
  float* work = scratch.data_ptr<float>();
  at::parallel_for(0, layout.heads * layout.runs(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; task++) {
      const int64_t run = task % layout.runs(), first = run * layout.perRun();
      body(task / layout.runs(), run, first, std::min(first + layout.perRun(), layout.windows()), work + at::get_thread_num() * each);
    }
  });
}

// -> output [B,H*W,C], weights [N,heads,T,row] if they are to be kept, otherwise empty
std::tuple<at::Tensor, at::Tensor> forwardPass(const at::Tensor& given, const OptionalTensor& outside, const at::Tensor& table, int64_t height,
                                               int64_t width, int64_t side, int64_t shift, int64_t heads, double barred, bool keep) {
  const Layout layout = checked(given, outside, table, height, width, side, shift, heads);
  const at::Tensor qkv = given.contiguous(), ownTable = table.contiguous();
  const at::Tensor padding = outside.has_value() && outside->defined() ? outside->contiguous() : at::Tensor();
  const int64_t C = layout.channels, D = layout.depth(), T = layout.tokens(), row = layout.row(), tokens = height * width;
  at::Tensor output = at::empty({layout.batch, tokens, C}, qkv.options());
  at::Tensor weights = at::empty({keep ? layout.windows() * heads * layout.scores() : 0}, qkv.options());
  const Places places(layout);
  const float *x = qkv.data_ptr<float>(), *by = ownTable.data_ptr<float>(), *beyond = padding.defined() ? padding.data_ptr<float>() : nullptr;
  float *out = output.data_ptr<float>(), *all = weights.data_ptr<float>();
  const float scale = static_cast<float>(1 / std::sqrt(static_cast<double>(D)));
  const int64_t packed = layout.packed();
  overTasks(layout, 3 * packed + 2 * layout.scores(), [&](int64_t h, int64_t, int64_t first, int64_t end, float* work) {
    float *rows = work, *keys = rows + packed, *values = keys + packed, *bias = values + packed, *own = bias + layout.scores();
    biasOf(layout, by, h, bias);
    for (int64_t window = first; window < end; window++) {
      const int64_t w = window % layout.perMap(), map = window / layout.perMap();
      const int32_t* at = places.at.data() + w * T;
      const auto read = [&](int64_t part, float by) {
        const int64_t channel = part * C + h * D;
        gather(layout, at, x + map * tokens * 3 * C + channel, 3 * C, beyond == nullptr ? nullptr : beyond + channel, by, rows);
      };
      float* scores = keep ? all + (window * heads + h) * layout.scores() : own;
      read(1, 1);
      packTurned({rows, D}, T, D, row, keys);
      read(2, 1);
      pack({rows, D}, T, D, values);
      read(0, scale);
      product(rows, D, keys, T, D, row, scores, row);
      weigh(layout, bias, places.region.data() + w * row, static_cast<float>(barred), scores);
      product(scores, row, values, T, T, D, rows, D);
      scatter(layout, at, rows, 1, out + map * tokens * C + h * D, C, nullptr);
    }
  });
  return {output, weights};
}

// -> gradients of qkv, of `outside` (empty without padding) and of the table
std::tuple<at::Tensor, at::Tensor, at::Tensor> backwardPass(const at::Tensor& gradient, const at::Tensor& given, const OptionalTensor& outside,
                                                            const at::Tensor& table, const at::Tensor& weights, int64_t height, int64_t width,
                                                            int64_t side, int64_t shift, int64_t heads) {
  const Layout layout = checked(given, outside, table, height, width, side, shift, heads);
  const at::Tensor qkv = given.contiguous(), dOutput = gradient.contiguous();
  const bool padded = outside.has_value() && outside->defined();
  const at::Tensor padding = padded ? outside->contiguous() : at::Tensor();
  const int64_t C = layout.channels, D = layout.depth(), T = layout.tokens(), row = layout.row(), tokens = height * width;
  TORCH_CHECK(dOutput.scalar_type() == at::kFloat && dOutput.sizes() == at::IntArrayRef({layout.batch, tokens, C}),
              "window_attention_backward: a float32 gradient [B,H*W,C]");
  TORCH_CHECK(weights.numel() == layout.windows() * heads * layout.scores(), "window_attention_backward: weights of the forward pass");
  at::Tensor dQkv = at::empty(qkv.sizes(), qkv.options());
  at::Tensor dOutside = at::zeros({padded ? 3 * C : 0}, qkv.options()), dTable = at::zeros(table.sizes(), qkv.options());
  const at::Tensor beyondParts = at::zeros({padded ? layout.runs() : 0, 3 * C}, qkv.options());
  const at::Tensor biasParts = at::zeros({layout.runs(), heads, layout.scores()}, qkv.options());
  const Places places(layout);
  const float *x = qkv.data_ptr<float>(), *dy = dOutput.data_ptr<float>(), *all = weights.data_ptr<float>();
  const float* beyond = padded ? padding.data_ptr<float>() : nullptr;
  float *dx = dQkv.data_ptr<float>(), *dBeyond = beyondParts.data_ptr<float>(), *dBias = biasParts.data_ptr<float>();
  const float scale = static_cast<float>(1 / std::sqrt(static_cast<double>(D)));
  const int64_t packed = layout.packed();
  overTasks(layout, 4 * packed + layout.scores(), [&](int64_t h, int64_t run, int64_t first, int64_t end, float* work) {
    float *rows = work, *dRows = rows + packed, *panels = dRows + packed, *result = panels + packed, *dScores = result + packed;
    float* toBias = dBias + (run * heads + h) * layout.scores();
    for (int64_t window = first; window < end; window++) {
      const int64_t w = window % layout.perMap(), map = window / layout.perMap();
      const int32_t* at = places.at.data() + w * T;
      const float* own = all + (window * heads + h) * layout.scores();
      const auto read = [&](int64_t part, float by) {
        const int64_t channel = part * C + h * D;
        gather(layout, at, x + map * tokens * 3 * C + channel, 3 * C, padded ? beyond + channel : nullptr, by, rows);
      };
      const auto write = [&](int64_t part, float by) {
        const int64_t channel = part * C + h * D;
        scatter(layout, at, result, by, dx + map * tokens * 3 * C + channel, 3 * C, padded ? dBeyond + run * 3 * C + channel : nullptr);
      };
      gather(layout, at, dy + map * tokens * C + h * D, C, nullptr, 1, dRows);
      read(2, 1);
      packTurned({rows, D}, T, D, row, panels);
      product(dRows, D, panels, T, D, row, dScores, row);
      pack({dRows, D}, T, D, panels);
      product<true>(own, row, panels, T, T, D, result, D);
      write(2, 1);
      for (int64_t t = 0; t < T; t++) {
        const float* weight = own + t * row;
        float *d = dScores + t * row, *sum = toBias + t * row;
        Vector sums = zero();
        for (int64_t s = 0; s < row; s += kLanes) sums = multiplyAdd(load(d + s), load(weight + s), sums);
        const Vector mean = same(reclmis::sumOf(sums));
        for (int64_t s = 0; s < row; s += kLanes) {
          const Vector value = multiply(load(weight + s), subtract(load(d + s), mean));
          store(d + s, value);
          store(sum + s, add(load(sum + s), value));
        }
      }
      read(1, 1);
      pack({rows, D}, T, D, panels);
      product(dScores, row, panels, T, T, D, result, D);
      write(0, scale);
      read(0, scale);
      pack({rows, D}, T, D, panels);
      product<true>(dScores, row, panels, T, T, D, result, D);
      write(1, 1);
    }
  });
  float *toTable = dTable.data_ptr<float>(), *toOutside = dOutside.data_ptr<float>();
  for (int64_t run = 0; run < layout.runs(); run++) {
    for (int64_t i = 0; i < dOutside.numel(); i++) toOutside[i] += dBeyond[run * 3 * C + i];
  }
  at::parallel_for(0, heads, 1, [&](int64_t begin, int64_t end) {
    for (int64_t h = begin; h < end; h++) {
      std::vector<double> sums(layout.differences() * layout.differences());
      for (int64_t run = 0; run < layout.runs(); run++) {
        const float* part = dBias + (run * heads + h) * layout.scores();
        for (int64_t t = 0; t < T; t++) {
          for (int64_t s = 0; s < T; s++) sums[difference(layout, t, s)] += part[t * row + s];
        }
      }
      for (size_t i = 0; i < sums.size(); i++) toTable[i * heads + h] = static_cast<float>(sums[i]);
    }
  });
  return {dQkv, dOutside, dTable};
}

class WindowAttention : public torch::autograd::Function<WindowAttention> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& qkv, const OptionalTensor& outside, const at::Tensor& table,
                            int64_t height, int64_t width, int64_t side, int64_t shift, int64_t heads, double barred, bool keep) {
    static const auto op = operatorOf<decltype(forwardPass)>("reclmis::window_attention_forward");
    at::AutoDispatchBelowADInplaceOrView below;
    const auto [output, weights] = op.call(qkv, outside, table, height, width, side, shift, heads, barred, keep);
    context->save_for_backward({qkv, outside.has_value() ? *outside : at::Tensor(), table, weights});
    context->saved_data["sizes"] = std::vector<int64_t>{height, width, side, shift, heads};
    return output;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, torch::autograd::variable_list gradients) {
    static const auto op = operatorOf<decltype(backwardPass)>("reclmis::window_attention_backward");
    const auto saved = context->get_saved_variables();
    const std::vector<int64_t> sizes = context->saved_data["sizes"].toIntVector();
    const OptionalTensor outside = saved[1].defined() ? OptionalTensor(saved[1]) : OptionalTensor();
    at::AutoDispatchBelowADInplaceOrView below;
    const auto [dQkv, dOutside, dTable] =
        op.call(gradients[0], saved[0], outside, saved[2], saved[3], sizes[0], sizes[1], sizes[2], sizes[3], sizes[4]);
    const at::Tensor none;
    return {dQkv, saved[1].defined() ? dOutside : none, dTable, none, none, none, none, none, none, none};
  }
};

at::Tensor windowAttention(const at::Tensor& qkv, const OptionalTensor& outside, const at::Tensor& table, int64_t height, int64_t width, int64_t side,
                           int64_t shift, int64_t heads, double barred) {
  const bool keep = at::GradMode::is_enabled() && (qkv.requires_grad() || table.requires_grad() || (outside.has_value() && outside->requires_grad()));
  return WindowAttention::apply(qkv, outside, table, height, width, side, shift, heads, barred, keep);
}

}  // namespace

#pragma GCC pop_options

TORCH_LIBRARY_FRAGMENT(reclmis, library) {
  library.def(
      "window_attention(Tensor qkv, Tensor? outside, Tensor table, int height, int width, int side, int shift, int heads, float barred) -> Tensor");
  library.def(
      "window_attention_forward(Tensor qkv, Tensor? outside, Tensor table, int height, int width, int side, int shift, int heads, float barred, "
      "bool keep) -> (Tensor, Tensor)");
  library.def(
      "window_attention_backward(Tensor gradient, Tensor qkv, Tensor? outside, Tensor table, Tensor weights, int height, int width, int side, "
      "int shift, int heads) -> (Tensor, Tensor, Tensor)");
}

TORCH_LIBRARY_IMPL(reclmis, CPU, library) {
  library.impl("window_attention_forward", forwardPass);
  library.impl("window_attention_backward", backwardPass);
}

TORCH_LIBRARY_IMPL(reclmis, Autograd, library) { library.impl("window_attention", windowAttention); }
#endif

// What channel attention needs of channels-last maps of float32: each channel's mean and maximum over the pixels, and maps times weights of their
// channels, joined.
//
//   reclmis::pixel_mean_max(x [B,C,H,W]) -> mean [B,C,1,1], maximum [B,C,1,1]; ties share the maximum's gradient
//   reclmis::weigh_join(maps: any number of [B,C,H,W], weights: [B,C,1,1] of each) -> [B,all C,H,W]
//
// Sums are taken in pieces of pixels that depend on the shapes alone, so results do not depend on the number of threads.
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <vector>

#include "maps.h"
#include "pieces.h"

#ifdef RECLMIS_LANES
#pragma GCC push_options
#pragma GCC target("avx2,fma")

namespace {

using namespace reclmis;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

void check(const char* name, const at::Tensor& map) {
  checkMap(name, map);
  TORCH_CHECK(map.scalar_type() == at::kFloat, name, " takes float32");
}

// Calls body(image, piece of its pixels, first row in memory, rows) on several threads.
template <typename Body>
void overPieces(const at::Tensor& map, const Pieces& pieces, Body&& body) {
  at::parallel_for(0, map.size(0) * pieces.count(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; task++) {
      const int64_t image = task / pieces.count(), piece = task % pieces.count();
      body(image, piece, image * pieces.rows + piece * pieces.size, pieces.rowsOf(piece));
    }
  });
}

Pieces piecesOf(const at::Tensor& map) { return Pieces(map.size(2) * map.size(3), map.size(1)); }

// -> mean, maximum, and how many pixels have it
std::tuple<at::Tensor, at::Tensor, at::Tensor> pixelMeanMax(const at::Tensor& x) {
  check("pixel_mean_max", x);
  const int64_t batch = x.size(0), channels = x.size(1);
  const Pieces pieces = piecesOf(x);
  const at::Tensor partial = at::empty({batch * pieces.count(), 3, channels}, at::kFloat);
  float* parts = partial.data_ptr<float>();
  const float* from = x.data_ptr<float>();
  overPieces(x, pieces, [&](int64_t image, int64_t piece, int64_t first, int64_t rows) {
    float* to = parts + (image * pieces.count() + piece) * 3 * channels;
    for (int64_t c = 0; c < channels; c += kLanes) {
      Lanes sum = all(0), most = all(-std::numeric_limits<float>::infinity()), ties = all(0);
      for (int64_t r = first; r < first + rows; r++) {
        const Lanes value = load(from + r * channels + c);
        const Lanes more = _mm256_cmp_ps(value, most, _CMP_GT_OQ), same = _mm256_cmp_ps(value, most, _CMP_EQ_OQ);
        ties = _mm256_blendv_ps(_mm256_add_ps(ties, _mm256_and_ps(same, all(1))), all(1), more);
        most = _mm256_blendv_ps(most, value, more);
        sum = _mm256_add_ps(sum, value);
      }
      store(to + c, sum);
      store(to + channels + c, most);
      store(to + 2 * channels + c, ties);
    }
  });
  at::Tensor mean = at::empty({batch, channels, 1, 1}, at::kFloat), maximum = at::empty_like(mean), count = at::empty_like(mean);
  for (int64_t b = 0; b < batch; b++) {
    for (int64_t c = 0; c < channels; c++) {
      double sum = 0;
      float most = -std::numeric_limits<float>::infinity(), ties = 0;
      for (int64_t piece = 0; piece < pieces.count(); piece++) {
        const float* part = parts + (b * pieces.count() + piece) * 3 * channels + c;
        sum += part[0];
        if (part[channels] > most) ties = 0;
        most = std::max(most, part[channels]);
        if (part[channels] == most) ties += part[2 * channels];
      }
      mean.data_ptr<float>()[b * channels + c] = static_cast<float>(sum / static_cast<double>(pieces.rows));
      maximum.data_ptr<float>()[b * channels + c] = std::isnan(sum) ? static_cast<float>(sum) : most;
      count.data_ptr<float>()[b * channels + c] = ties;
    }
  }
  return {mean, maximum, count};
}

at::Tensor pixelMeanMaxBackward(const at::Tensor& toMean, const at::Tensor& toMax, const at::Tensor& x, const at::Tensor& maximum, const at::Tensor& count) {
  check("pixel_mean_max_backward", x);
  const int64_t channels = x.size(1);
  const Pieces pieces = piecesOf(x);
  const at::Tensor each = toMean.div(pieces.rows).contiguous(), shared = toMax.div(count).contiguous();
  at::Tensor result = at::empty_like(x);
  const float *from = x.data_ptr<float>(), *most = maximum.data_ptr<float>(), *plain = each.data_ptr<float>(), *extra = shared.data_ptr<float>();
  float* to = result.data_ptr<float>();
  overPieces(x, pieces, [&](int64_t image, int64_t, int64_t first, int64_t rows) {
    const int64_t at = image * channels;
    for (int64_t r = first; r < first + rows; r++) {
      for (int64_t c = 0; c < channels; c += kLanes) {
        const Lanes largest = _mm256_cmp_ps(load(from + r * channels + c), load(most + at + c), _CMP_EQ_OQ);
        store(to + r * channels + c, _mm256_add_ps(load(plain + at + c), _mm256_and_ps(largest, load(extra + at + c))));
      }
    }
  });
  return result;
}

void checkWeights(const char* name, const at::Tensor& map, const at::Tensor& weight) {
  check(name, map);
  TORCH_CHECK(weight.scalar_type() == at::kFloat && weight.sizes() == at::IntArrayRef({map.size(0), map.size(1), 1, 1}), name,
              " takes float32 weights [B,C,1,1] of each map");
}

at::Tensor weighJoin(at::TensorList maps, at::TensorList weights) {
  TORCH_CHECK(!maps.empty() && maps.size() == weights.size(), "weigh_join takes weights for each map");
  int64_t joined = 0;
  for (size_t i = 0; i < maps.size(); i++) {
    checkWeights("weigh_join", maps[i], weights[i]);
    TORCH_CHECK(maps[i].size(0) == maps[0].size(0) && maps[i].size(2) == maps[0].size(2) && maps[i].size(3) == maps[0].size(3),
                "weigh_join: maps of one size");
    joined += maps[i].size(1);
  }
  at::Tensor result = at::empty({maps[0].size(0), joined, maps[0].size(2), maps[0].size(3)}, maps[0].options().memory_format(at::MemoryFormat::ChannelsLast));
  int64_t offset = 0;
  for (size_t i = 0; i < maps.size(); i++) {
    const int64_t channels = maps[i].size(1);
    const at::Tensor weight = weights[i].contiguous();
    const float *x = maps[i].data_ptr<float>(), *w = weight.data_ptr<float>();
    float* to = result.data_ptr<float>() + offset;
    overPieces(maps[i], piecesOf(maps[i]), [&](int64_t image, int64_t, int64_t first, int64_t rows) {
      for (int64_t r = first; r < first + rows; r++) {
        for (int64_t c = 0; c < channels; c += kLanes)
          store(to + r * joined + c, _mm256_mul_ps(load(x + r * channels + c), load(w + image * channels + c)));
      }
    });
    offset += channels;
  }
  return result;
}

// -> the gradients of a map that begins at channel `offset` of the gradient, and of its weights
std::tuple<at::Tensor, at::Tensor> weighJoinBackward(const at::Tensor& gradient, const at::Tensor& map, const at::Tensor& weight, int64_t offset) {
  check("weigh_join_backward", gradient);
  checkWeights("weigh_join_backward", map, weight);
  const int64_t batch = map.size(0), channels = map.size(1), joined = gradient.size(1);
  TORCH_CHECK(offset % kLanes == 0 && offset + channels <= joined && gradient.numel() / joined == map.numel() / channels,
              "weigh_join_backward: the gradient is not of the joined maps");
  const Pieces pieces = piecesOf(map);
  const at::Tensor partial = at::empty({batch * pieces.count(), channels}, at::kFloat), own = weight.contiguous();
  at::Tensor result = at::empty_like(map), sums = at::empty({batch, channels, 1, 1}, at::kFloat);
  const float *g = gradient.data_ptr<float>() + offset, *x = map.data_ptr<float>(), *w = own.data_ptr<float>();
  float *parts = partial.data_ptr<float>(), *to = result.data_ptr<float>();
  overPieces(map, pieces, [&](int64_t image, int64_t piece, int64_t first, int64_t rows) {
    overChannels(channels, [&](int64_t c, auto width) {
      constexpr int V = decltype(width)::value;
      Lanes sum[V];
#pragma GCC unroll 4
      for (int v = 0; v < V; v++) sum[v] = all(0);
      for (int64_t r = first; r < first + rows; r++) {
#pragma GCC unroll 4
        for (int v = 0; v < V; v++) {
          const int64_t k = c + v * kLanes;
          const Lanes in = load(g + r * joined + k);
          sum[v] = _mm256_fmadd_ps(in, load(x + r * channels + k), sum[v]);
          store(to + r * channels + k, _mm256_mul_ps(in, load(w + image * channels + k)));
        }
      }
#pragma GCC unroll 4
      for (int v = 0; v < V; v++) store(parts + (image * pieces.count() + piece) * channels + c + v * kLanes, sum[v]);
    });
  });
  for (int64_t b = 0; b < batch; b++) {
    for (int64_t c = 0; c < channels; c++) {
      double sum = 0;
      for (int64_t piece = 0; piece < pieces.count(); piece++) sum += parts[(b * pieces.count() + piece) * channels + c];
      sums.data_ptr<float>()[b * channels + c] = static_cast<float>(sum);
    }
  }
  return {result, sums};
}

class PixelMeanMax : public torch::autograd::Function<PixelMeanMax> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& x) {
    static const auto op = operatorOf<decltype(pixelMeanMax)>("reclmis::pixel_mean_max_forward");
    at::AutoDispatchBelowADInplaceOrView below;
    const auto [mean, maximum, count] = op.call(x);
    context->save_for_backward({x, maximum, count});
    return {mean, maximum};
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    static const auto op = operatorOf<decltype(pixelMeanMaxBackward)>("reclmis::pixel_mean_max_backward");
    const auto saved = context->get_saved_variables();
    at::AutoDispatchBelowADInplaceOrView below;
    const auto orZero = [&](const at::Tensor& gradient) { return gradient.defined() ? gradient : at::zeros_like(saved[1]); };
    return {op.call(orZero(gradients[0]), orZero(gradients[1]), saved[0], saved[1], saved[2])};
  }
};

class WeighJoin : public torch::autograd::Function<WeighJoin> {
 public:
  static at::Tensor forward(AutogradContext* context, at::TensorList maps, at::TensorList weights) {
    static const auto op = operatorOf<decltype(weighJoin)>("reclmis::weigh_join");
    at::AutoDispatchBelowADInplaceOrView below;
    variable_list saved(maps.begin(), maps.end());
    saved.insert(saved.end(), weights.begin(), weights.end());
    context->save_for_backward(saved);
    return op.call(maps, weights);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    static const auto op = operatorOf<decltype(weighJoinBackward)>("reclmis::weigh_join_backward");
    const auto saved = context->get_saved_variables();
    const size_t count = saved.size() / 2;
    const at::Tensor gradient = channelsLast(gradients[0]);
    at::AutoDispatchBelowADInplaceOrView below;
    variable_list results(saved.size());
    int64_t offset = 0;
    for (size_t i = 0; i < count; offset += saved[i].size(1), i++)
      std::tie(results[i], results[count + i]) = op.call(gradient, saved[i], saved[count + i], offset);
    return results;
  }
};

std::tuple<at::Tensor, at::Tensor> pixelMeanMaxWithGradient(const at::Tensor& x) {
  const variable_list results = PixelMeanMax::apply(x);
  return {results[0], results[1]};
}

std::tuple<at::Tensor, at::Tensor> pixelMeanMaxAlone(const at::Tensor& x) {
  const auto [mean, maximum, count] = pixelMeanMax(x);
  return {mean, maximum};
}

at::Tensor weighJoinWithGradient(at::TensorList maps, at::TensorList weights) { return WeighJoin::apply(maps, weights); }

}  // namespace

#pragma GCC pop_options

TORCH_LIBRARY_FRAGMENT(reclmis, library) {
  library.def("pixel_mean_max(Tensor x) -> (Tensor, Tensor)");
  library.def("pixel_mean_max_forward(Tensor x) -> (Tensor, Tensor, Tensor)");
  library.def("pixel_mean_max_backward(Tensor to_mean, Tensor to_max, Tensor x, Tensor maximum, Tensor count) -> Tensor");
  library.def("weigh_join(Tensor[] maps, Tensor[] weights) -> Tensor");
  library.def("weigh_join_backward(Tensor gradient, Tensor map, Tensor weight, int offset) -> (Tensor, Tensor)");
}

TORCH_LIBRARY_IMPL(reclmis, CPU, library) {
  library.impl("pixel_mean_max", pixelMeanMaxAlone);
  library.impl("pixel_mean_max_forward", pixelMeanMax);
  library.impl("pixel_mean_max_backward", pixelMeanMaxBackward);
  library.impl("weigh_join", weighJoin);
  library.impl("weigh_join_backward", weighJoinBackward);
}

TORCH_LIBRARY_IMPL(reclmis, Autograd, library) {
  library.impl("pixel_mean_max", pixelMeanMaxWithGradient);
  library.impl("weigh_join", weighJoinWithGradient);
}
#endif

// PLAM's passes over maps, each with its gradient in one pass, for channels-last maps of float32 and bfloat16:
//
//   reclmis::relu_mean(x [B,C,H,W]) -> [B,H,W]     mean over the channels of ReLU(x)
//   reclmis::channel_max(x [B,C,H,W]) -> [B,H,W]   maximum over the channels; equal ones share the gradient, as in amax
//   reclmis::attend_and_join(skip [B,C,2H,2W], attention [B,1,2H,2W], below [B,D,H,W]) -> [B,C+D,2H,2W]
//                                                    skip times attention, then below with each pixel repeated in 2x2
//
// Sums run over one pixel's channels or 2x2 pixels, so results do not depend on the number of threads.
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

using namespace reclmis;

constexpr int64_t kGrain = 32768;

template <typename Body>
void overRows(int64_t rows, int64_t channels, Body&& body) {
  at::parallel_for(0, rows, std::max<int64_t>(1, kGrain / channels), body);
}

at::Tensor emptyPixels(const at::Tensor& map) { return at::empty({map.size(0), map.size(2), map.size(3)}, map.options()); }

at::Tensor reluMean(const at::Tensor& x) {
  checkMap("relu_mean", x);
  const int64_t channels = x.size(1);
  at::Tensor result = emptyPixels(x);
  byType(x.scalar_type(), [&](auto zero) {
    using T = decltype(zero);
    const T* from = x.data_ptr<T>();
    T* to = result.data_ptr<T>();
    overRows(result.numel(), channels, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; r++) {
        Lanes sum = all(0);
        for (int64_t c = 0; c < channels; c += kLanes) sum = _mm256_add_ps(sum, relu(load(from + r * channels + c)));
        to[r] = static_cast<T>(sumOf(sum) / static_cast<float>(channels));
      }
    });
  });
  return result;
}

at::Tensor reluMeanBackward(const at::Tensor& gradient, const at::Tensor& x) {
  checkMap("relu_mean_backward", x);
  const int64_t channels = x.size(1);
  const at::Tensor dy = gradient.contiguous();
  at::Tensor result = at::empty_like(x);
  byType(x.scalar_type(), [&](auto zero) {
    using T = decltype(zero);
    const T *from = x.data_ptr<T>(), *g = dy.data_ptr<T>();
    T* to = result.data_ptr<T>();
    overRows(dy.numel(), channels, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; r++) {
        const Lanes share = all(static_cast<float>(g[r]) / static_cast<float>(channels));
        for (int64_t at = r * channels; at < (r + 1) * channels; at += kLanes)
          store(to + at, _mm256_and_ps(passes(load(from + at)), share));
      }
    });
  });
  return result;
}

at::Tensor channelMax(const at::Tensor& x) {
  checkMap("channel_max", x);
  const int64_t channels = x.size(1);
  at::Tensor result = emptyPixels(x);
  byType(x.scalar_type(), [&](auto zero) {
    using T = decltype(zero);
    const T* from = x.data_ptr<T>();
    T* to = result.data_ptr<T>();
    overRows(result.numel(), channels, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; r++) {
        const T* row = from + r * channels;
        Lanes most = load(row), strange = all(0);
        for (int64_t c = 0; c < channels; c += kLanes) {
          const Lanes value = load(row + c);
          most = _mm256_max_ps(most, value);
          strange = _mm256_or_ps(strange, _mm256_cmp_ps(value, value, _CMP_UNORD_Q));  // max_ps ignores NaN
        }
        alignas(32) float lanes[kLanes];
        _mm256_store_ps(lanes, most);
        const float value = *std::max_element(lanes, lanes + kLanes);
        to[r] = static_cast<T>(_mm256_movemask_ps(strange) == 0 ? value : std::numeric_limits<float>::quiet_NaN());
      }
    });
  });
  return result;
}

at::Tensor channelMaxBackward(const at::Tensor& gradient, const at::Tensor& x, const at::Tensor& most) {
  checkMap("channel_max_backward", x);
  const int64_t channels = x.size(1);
  const at::Tensor dy = gradient.contiguous();
  at::Tensor result = at::empty_like(x);
  byType(x.scalar_type(), [&](auto zero) {
    using T = decltype(zero);
    const T *from = x.data_ptr<T>(), *g = dy.data_ptr<T>(), *m = most.data_ptr<T>();
    T* to = result.data_ptr<T>();
    overRows(dy.numel(), channels, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; r++) {
        const Lanes value = all(static_cast<float>(m[r]));
        int count = 0;
        for (int64_t at = r * channels; at < (r + 1) * channels; at += kLanes)
          count += __builtin_popcount(_mm256_movemask_ps(_mm256_cmp_ps(load(from + at), value, _CMP_EQ_OQ)));
        const Lanes share = all(static_cast<float>(g[r]) / static_cast<float>(count));
        for (int64_t at = r * channels; at < (r + 1) * channels; at += kLanes)
          store(to + at, _mm256_and_ps(_mm256_cmp_ps(load(from + at), value, _CMP_EQ_OQ), share));
      }
    });
  });
  return result;
}

void checkJoin(const at::Tensor& skip, const at::Tensor& attention) {
  TORCH_CHECK(skip.size(2) % 2 == 0 && skip.size(3) % 2 == 0, "attend_and_join: a skip of an even size");
  TORCH_CHECK(attention.numel() == skip.numel() / skip.size(1) && attention.is_contiguous() &&
                  attention.scalar_type() == skip.scalar_type(),
              "attend_and_join: an attention [B,1,H,W] of the skip's size and type");
}

at::Tensor attendAndJoin(const at::Tensor& skip, const at::Tensor& attention, const at::Tensor& below) {
  checkMap("attend_and_join", skip);
  checkMap("attend_and_join", below);
  checkJoin(skip, attention);
  const int64_t batch = skip.size(0), own = skip.size(1), height = skip.size(2), width = skip.size(3), other = below.size(1);
  TORCH_CHECK(below.size(0) == batch && below.size(2) * 2 == height && below.size(3) * 2 == width &&
                  below.scalar_type() == skip.scalar_type(),
              "attend_and_join: a map below of half the skip's size");
  at::Tensor result = at::empty({batch, own + other, height, width}, skip.options().memory_format(at::MemoryFormat::ChannelsLast));
  byType(skip.scalar_type(), [&](auto zero) {
    using T = decltype(zero);
    const T *s = skip.data_ptr<T>(), *a = attention.data_ptr<T>(), *b = below.data_ptr<T>();
    T* to = result.data_ptr<T>();
    at::parallel_for(0, batch * height, 1, [&](int64_t begin, int64_t end) {
      for (int64_t line = begin; line < end; line++) {  // height is even: lines / 2 are the lines of `below`
        const T* under = b + line / 2 * (width / 2) * other;
        for (int64_t w = 0; w < width; w++) {
          const int64_t pixel = line * width + w;
          const Lanes factor = all(static_cast<float>(a[pixel]));
          T* out = to + pixel * (own + other);
          for (int64_t c = 0; c < own; c += kLanes) store(out + c, _mm256_mul_ps(load(s + pixel * own + c), factor));
          std::copy_n(under + w / 2 * other, other, out + own);
        }
      }
    });
  });
  return result;
}

// -> gradients of skip, attention and the map below
std::tuple<at::Tensor, at::Tensor, at::Tensor> attendAndJoinBackward(const at::Tensor& gradient, const at::Tensor& skip,
                                                                     const at::Tensor& attention) {
  checkMap("attend_and_join_backward", gradient);
  checkMap("attend_and_join_backward", skip);
  checkJoin(skip, attention);
  const int64_t batch = skip.size(0), own = skip.size(1), height = skip.size(2), width = skip.size(3);
  const int64_t joined = gradient.size(1), other = joined - own;
  at::Tensor dSkip = at::empty_like(skip), dAttention = at::empty_like(attention);
  at::Tensor dBelow = at::empty({batch, other, height / 2, width / 2}, skip.options().memory_format(at::MemoryFormat::ChannelsLast));
  byType(skip.scalar_type(), [&](auto zero) {
    using T = decltype(zero);
    const T *g = gradient.data_ptr<T>(), *s = skip.data_ptr<T>(), *a = attention.data_ptr<T>();
    T *ds = dSkip.data_ptr<T>(), *da = dAttention.data_ptr<T>(), *db = dBelow.data_ptr<T>();
    at::parallel_for(0, batch * height / 2, 1, [&](int64_t begin, int64_t end) {
      for (int64_t pair = begin; pair < end; pair++) {
        for (int64_t pixel = pair * 2 * width; pixel < (pair + 1) * 2 * width; pixel++) {
          const Lanes factor = all(static_cast<float>(a[pixel]));
          Lanes sum = all(0);
          for (int64_t c = 0; c < own; c += kLanes) {
            const Lanes dy = load(g + pixel * joined + c);
            sum = _mm256_fmadd_ps(dy, load(s + pixel * own + c), sum);
            store(ds + pixel * own + c, _mm256_mul_ps(dy, factor));
          }
          da[pixel] = static_cast<T>(sumOf(sum));
        }
        for (int64_t w = 0; w < width / 2; w++) {
          const T* upper = g + (pair * 2 * width + 2 * w) * joined + own;
          const T* lower = upper + width * joined;
          for (int64_t c = 0; c < other; c += kLanes) {
            const Lanes top = _mm256_add_ps(load(upper + c), load(upper + joined + c));
            const Lanes bottom = _mm256_add_ps(load(lower + c), load(lower + joined + c));
            store(db + (pair * (width / 2) + w) * other + c, _mm256_add_ps(top, bottom));
          }
        }
      }
    });
  });
  return {dSkip, dAttention, dBelow};
}

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class ReluMean : public torch::autograd::Function<ReluMean> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x) {
    static const auto op = operatorOf<decltype(reluMean)>("reclmis::relu_mean");
    at::AutoDispatchBelowADInplaceOrView below;
    context->save_for_backward({x});
    return op.call(x);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    static const auto op = operatorOf<decltype(reluMeanBackward)>("reclmis::relu_mean_backward");
    at::AutoDispatchBelowADInplaceOrView below;
    return {op.call(gradients[0], context->get_saved_variables()[0])};
  }
};

class ChannelMax : public torch::autograd::Function<ChannelMax> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x) {
    static const auto op = operatorOf<decltype(channelMax)>("reclmis::channel_max");
    at::AutoDispatchBelowADInplaceOrView below;
    const at::Tensor most = op.call(x);
    context->save_for_backward({x, most});
    return most;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    static const auto op = operatorOf<decltype(channelMaxBackward)>("reclmis::channel_max_backward");
    const auto saved = context->get_saved_variables();
    at::AutoDispatchBelowADInplaceOrView below;
    return {op.call(gradients[0], saved[0], saved[1])};
  }
};

class AttendAndJoin : public torch::autograd::Function<AttendAndJoin> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& skip, const at::Tensor& attention, const at::Tensor& under) {
    static const auto op = operatorOf<decltype(attendAndJoin)>("reclmis::attend_and_join");
    at::AutoDispatchBelowADInplaceOrView below;
    context->save_for_backward({skip, attention});
    return op.call(skip, attention, under);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    static const auto op = operatorOf<decltype(attendAndJoinBackward)>("reclmis::attend_and_join_backward");
    const auto saved = context->get_saved_variables();
    at::AutoDispatchBelowADInplaceOrView below;
    const auto [skip, attention, under] = op.call(channelsLast(gradients[0]), saved[0], saved[1]);
    return {skip, attention, under};
  }
};

at::Tensor reluMeanWithGradient(const at::Tensor& x) { return ReluMean::apply(x); }
at::Tensor channelMaxWithGradient(const at::Tensor& x) { return ChannelMax::apply(x); }
at::Tensor attendAndJoinWithGradient(const at::Tensor& skip, const at::Tensor& attention, const at::Tensor& below) {
  return AttendAndJoin::apply(skip, attention, below);
}

}  // namespace

#pragma GCC pop_options

TORCH_LIBRARY_FRAGMENT(reclmis, library) {
  library.def("relu_mean(Tensor x) -> Tensor");
  library.def("relu_mean_backward(Tensor gradient, Tensor x) -> Tensor");
  library.def("channel_max(Tensor x) -> Tensor");
  library.def("channel_max_backward(Tensor gradient, Tensor x, Tensor maximum) -> Tensor");
  library.def("attend_and_join(Tensor skip, Tensor attention, Tensor below) -> Tensor");
  library.def("attend_and_join_backward(Tensor gradient, Tensor skip, Tensor attention) -> (Tensor, Tensor, Tensor)");
}

TORCH_LIBRARY_IMPL(reclmis, CPU, library) {
  library.impl("relu_mean", reluMean);
  library.impl("relu_mean_backward", reluMeanBackward);
  library.impl("channel_max", channelMax);
  library.impl("channel_max_backward", channelMaxBackward);
  library.impl("attend_and_join", attendAndJoin);
  library.impl("attend_and_join_backward", attendAndJoinBackward);
}

TORCH_LIBRARY_IMPL(reclmis, Autograd, library) {
  library.impl("relu_mean", reluMeanWithGradient);
  library.impl("channel_max", channelMaxWithGradient);
  library.impl("attend_and_join", attendAndJoinWithGradient);
}
#endif

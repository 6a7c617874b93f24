// Twofold nearest upsampling and the join with skips in one pass, for channels-last maps of float32 and bfloat16:
//
//   reclmis::upsample_join(below [B,D,H,W], skips: any number of [B,C,2H,2W]) -> [B,D + all C,2H,2W]
//                                                    below with each pixel repeated in 2x2, then the skips
//
// Each gradient is a copy or a sum of 2x2 pixels, so results do not depend on the number of threads.
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>
#include <vector>

#include "maps.h"

#ifdef RECLMIS_LANES
#pragma GCC push_options
#pragma GCC target("avx2,fma")

namespace {

using namespace reclmis;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

int64_t channelsOf(at::TensorList maps) {
  int64_t all = 0;
  for (const at::Tensor& map : maps) all += map.size(1);
  return all;
}

template <typename T>
std::vector<T*> pointersOf(at::TensorList maps) {
  std::vector<T*> pointers;
  for (const at::Tensor& map : maps) pointers.push_back(map.data_ptr<T>());
  return pointers;
}

// Copies whole lanes.
template <typename T>
inline void copyLanes(const T* from, int64_t count, T* to) {
  for (int64_t c = 0; c < count; c += kLanes) store(to + c, load(from + c));
}

at::Tensor upsampleJoin(const at::Tensor& below, at::TensorList skips) {
  checkMap("upsample_join", below);
  const int64_t batch = below.size(0), own = below.size(1), height = 2 * below.size(2), width = 2 * below.size(3);
  for (const at::Tensor& skip : skips) {
    checkMap("upsample_join", skip);
    TORCH_CHECK(skip.size(0) == batch && skip.size(2) == height && skip.size(3) == width && skip.scalar_type() == below.scalar_type(),
                "upsample_join: skips of twice the size of the map below, and of its type");
  }
  const int64_t joined = own + channelsOf(skips);
  at::Tensor result = at::empty({batch, joined, height, width}, below.options().memory_format(at::MemoryFormat::ChannelsLast));
  byType(below.scalar_type(), [&](auto zero) {
    using T = decltype(zero);
    const T* b = below.data_ptr<T>();
    const std::vector<T*> s = pointersOf<T>(skips);
    T* to = result.data_ptr<T>();
    at::parallel_for(0, batch * height, 1, [&](int64_t begin, int64_t end) {
      for (int64_t line = begin; line < end; line++) {  // height is even: lines / 2 are the lines of `below`
        const T* under = b + line / 2 * (width / 2) * own;
        for (int64_t w = 0; w < width; w++) {
          const int64_t pixel = line * width + w;
          T* out = to + pixel * joined;
          copyLanes(under + w / 2 * own, own, out);
          out += own;
          for (size_t i = 0; i < s.size(); out += skips[i].size(1), i++) copyLanes(s[i] + pixel * skips[i].size(1), skips[i].size(1), out);
        }
      }
    });
  });
  return result;
}

// -> gradients of the map below, of `own` channels, and of each skip
std::vector<at::Tensor> upsampleJoinBackward(const at::Tensor& gradient, int64_t own, at::IntArrayRef others) {
  checkMap("upsample_join_backward", gradient);
  const int64_t batch = gradient.size(0), joined = gradient.size(1), height = gradient.size(2), width = gradient.size(3);
  const at::TensorOptions options = gradient.options().memory_format(at::MemoryFormat::ChannelsLast);
  std::vector<at::Tensor> results{at::empty({batch, own, height / 2, width / 2}, options)};
  for (const int64_t channels : others) results.push_back(at::empty({batch, channels, height, width}, options));
  byType(gradient.scalar_type(), [&](auto zero) {
    using T = decltype(zero);
    const T* g = gradient.data_ptr<T>();
    const std::vector<T*> to = pointersOf<T>(results);
    at::parallel_for(0, batch * height / 2, 1, [&](int64_t begin, int64_t end) {
      for (int64_t pair = begin; pair < end; pair++) {
        for (int64_t w = 0; w < width / 2; w++) {
          const T* upper = g + (pair * 2 * width + 2 * w) * joined;
          const T* lower = upper + width * joined;
          for (int64_t c = 0; c < own; c += kLanes) {
            const Lanes top = _mm256_add_ps(load(upper + c), load(upper + joined + c));
            const Lanes bottom = _mm256_add_ps(load(lower + c), load(lower + joined + c));
            store(to[0] + (pair * (width / 2) + w) * own + c, _mm256_add_ps(top, bottom));
          }
        }
        for (int64_t pixel = pair * 2 * width; pixel < (pair + 1) * 2 * width; pixel++) {
          const T* from = g + pixel * joined + own;
          for (size_t i = 0; i < others.size(); from += others[i], i++) copyLanes(from, others[i], to[i + 1] + pixel * others[i]);
        }
      }
    });
  });
  return results;
}

class UpsampleJoin : public torch::autograd::Function<UpsampleJoin> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& under, at::TensorList skips) {
    static const auto op = operatorOf<decltype(upsampleJoin)>("reclmis::upsample_join");
    at::AutoDispatchBelowADInplaceOrView below;
    std::vector<int64_t> others;
    for (const at::Tensor& skip : skips) others.push_back(skip.size(1));
    context->saved_data["own"] = under.size(1);
    context->saved_data["others"] = others;
    return op.call(under, skips);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    static const auto op = operatorOf<decltype(upsampleJoinBackward)>("reclmis::upsample_join_backward");
    const std::vector<int64_t> others = context->saved_data["others"].toIntVector();
    at::AutoDispatchBelowADInplaceOrView below;
    return op.call(channelsLast(gradients[0]), context->saved_data["own"].toInt(), others);
  }
};

at::Tensor upsampleJoinWithGradient(const at::Tensor& below, at::TensorList skips) { return UpsampleJoin::apply(below, skips); }

}  // namespace

#pragma GCC pop_options

TORCH_LIBRARY_FRAGMENT(reclmis, library) {
  library.def("upsample_join(Tensor below, Tensor[] skips) -> Tensor");
  library.def("upsample_join_backward(Tensor gradient, int own, int[] others) -> Tensor[]");
}

TORCH_LIBRARY_IMPL(reclmis, CPU, library) {
  library.impl("upsample_join", upsampleJoin);
  library.impl("upsample_join_backward", upsampleJoinBackward);
}

TORCH_LIBRARY_IMPL(reclmis, Autograd, library) { library.impl("upsample_join", upsampleJoinWithGradient); }
#endif

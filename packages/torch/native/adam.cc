// One step of Adam or AdamW over all parameters in one pass over memory, for float32 on the CPU; formulas in
// `src/optim/adam.ts`.
//
//   reclmis::adam_(parameters, gradients, means, mean_squares, lr, beta1, beta2, eps, weight_decay, decoupled, step)
#include <ATen/Parallel.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "maps.h"

#ifdef RECLMIS_LANES
#pragma GCC push_options
#pragma GCC target("avx2,fma")

namespace {

using namespace reclmis;

constexpr int64_t kPiece = 1 << 15;  // elements per task

// In float32, as libtorch's own operators take them.
struct Step {
  float beta1, beta2, gain1, gain2, eps, rate, decay, shrink;
};

inline void update(const Step& s, const float* g, float* p, float* m, float* v) {
  const Lanes before = _mm256_mul_ps(load(p), all(s.shrink));
  const Lanes gradient = _mm256_fmadd_ps(load(p), all(s.decay), load(g));
  const Lanes mean = _mm256_fmadd_ps(gradient, all(s.gain1), _mm256_mul_ps(load(m), all(s.beta1)));
  const Lanes square = _mm256_fmadd_ps(_mm256_mul_ps(gradient, all(s.gain2)), gradient, _mm256_mul_ps(load(v), all(s.beta2)));
  store(m, mean);
  store(v, square);
  const Lanes root = _mm256_add_ps(_mm256_sqrt_ps(square), all(s.eps));
  store(p, _mm256_fmadd_ps(all(s.rate), _mm256_div_ps(mean, root), before));
}

struct Piece {
  const float* gradient;
  float *parameter, *mean, *square;
  int64_t count;
};

void run(const Step& step, const Piece& piece) {
  int64_t i = 0;
  for (; i + kLanes <= piece.count; i += kLanes)
    update(step, piece.gradient + i, piece.parameter + i, piece.mean + i, piece.square + i);
  if (i == piece.count) return;
  float rest[4][kLanes] = {};
  const int64_t left = piece.count - i;
  std::copy_n(piece.gradient + i, left, rest[0]);
  std::copy_n(piece.parameter + i, left, rest[1]);
  std::copy_n(piece.mean + i, left, rest[2]);
  std::copy_n(piece.square + i, left, rest[3]);
  update(step, rest[0], rest[1], rest[2], rest[3]);
  std::copy_n(rest[1], left, piece.parameter + i);
  std::copy_n(rest[2], left, piece.mean + i);
  std::copy_n(rest[3], left, piece.square + i);
}

// The tensor in the parameter's memory order.
at::Tensor like(const at::Tensor& parameter, const at::Tensor& tensor) {
  return tensor.strides() == parameter.strides() ? tensor : at::empty_like(parameter).copy_(tensor);
}

void adam(at::TensorList parameters, at::TensorList gradients, at::TensorList means, at::TensorList squares, double lr, double beta1,
          double beta2, double eps, double weightDecay, bool decoupled, int64_t count) {
  TORCH_CHECK(hasLanes(), "adam_ runs on a CPU with AVX2");
  TORCH_CHECK(gradients.size() == parameters.size() && means.size() == parameters.size() && squares.size() == parameters.size(),
              "adam_: a gradient, a mean and a mean square for each parameter");
  const double correction1 = 1 - std::pow(beta1, count), correction2 = std::sqrt(1 - std::pow(beta2, count));
  const Step step{static_cast<float>(beta1),
                  static_cast<float>(beta2),
                  static_cast<float>(1 - beta1),
                  static_cast<float>(1 - beta2),
                  static_cast<float>(correction2 * eps),
                  static_cast<float>(-lr * correction2 / correction1),
                  static_cast<float>(decoupled ? 0 : weightDecay),
                  static_cast<float>(decoupled ? 1 - lr * weightDecay : 1)};
  std::vector<at::Tensor> copies;
  std::vector<Piece> pieces;
  for (size_t i = 0; i < parameters.size(); i++) {
    const at::Tensor &p = parameters[i], &m = means[i], &v = squares[i];
    for (const at::Tensor& t : {p, gradients[i], m, v}) {
      TORCH_CHECK(t.device().is_cpu() && t.scalar_type() == at::kFloat && t.sizes() == p.sizes(),
                  "adam_ takes float32 on the CPU, of the parameter's shape");
    }
    TORCH_CHECK(p.is_non_overlapping_and_dense() && m.strides() == p.strides() && v.strides() == p.strides(),
                "adam_: means are laid out as their dense parameters");
    copies.push_back(like(p, gradients[i]));
    for (int64_t from = 0; from < p.numel(); from += kPiece) {
      pieces.push_back({copies.back().data_ptr<float>() + from, p.data_ptr<float>() + from, m.data_ptr<float>() + from,
                        v.data_ptr<float>() + from, std::min(kPiece, p.numel() - from)});
    }
  }
  at::parallel_for(0, static_cast<int64_t>(pieces.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) run(step, pieces[i]);
  });
  // Autograd and caches of weights detect changes by version.
  for (const at::TensorList& list : {parameters, means, squares}) {
    for (const at::Tensor& t : list) t.unsafeGetTensorImpl()->bump_version();
  }
}

}  // namespace

#pragma GCC pop_options

TORCH_LIBRARY_FRAGMENT(reclmis, library) {
  library.def(
      "adam_(Tensor(a!)[] parameters, Tensor[] gradients, Tensor(b!)[] means, Tensor(c!)[] mean_squares, float lr, float beta1, "
      "float beta2, float eps, float weight_decay, bool decoupled, int step) -> ()");
}

TORCH_LIBRARY_IMPL(reclmis, CPU, library) { library.impl("adam_", adam); }
#endif

// Shared by the kernels of channels-last maps [B,C,H,W]: rows of C numbers, one per pixel.
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include "lanes.h"

namespace reclmis {

// Whether the kernels take it: channels-last on the CPU, float32 or bfloat16, whole lanes of channels.
inline bool isLaneMap(const at::Tensor& map) {
  return hasLanes() && map.device().is_cpu() && map.dim() == 4 && map.size(1) % 8 == 0 && map.numel() > 0 &&
         (map.scalar_type() == at::kFloat || map.scalar_type() == at::kBFloat16) &&
         map.is_contiguous(at::MemoryFormat::ChannelsLast);
}

inline at::Tensor channelsLast(const at::Tensor& map) { return map.contiguous(at::MemoryFormat::ChannelsLast); }

inline void checkMap(const char* name, const at::Tensor& map) {
  TORCH_CHECK(isLaneMap(map), name, " takes channels-last maps of float32 or bfloat16 on a CPU with AVX2, of a multiple of 8 channels");
}

template <typename Body>
void byType(at::ScalarType type, Body&& body) {
  if (type == at::kFloat) {
    body(float{});
  } else {
    body(at::BFloat16{});
  }
}

// A typed handle of our operator; dispatched calls show in profiles.
template <typename Signature>
auto operatorOf(const char* name) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, "").typed<Signature>();
}

}  // namespace reclmis

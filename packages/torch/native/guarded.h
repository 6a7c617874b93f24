// Every entry of the addon runs within `guarded`: no C++ exception may cross JavaScript's frames.
#pragma once
#include <c10/util/Exception.h>
#include <napi.h>

#include <exception>

namespace reclmis {

template <typename Body>
auto guarded(const Napi::CallbackInfo& info, Body body) -> decltype(body()) {
  try {
    return body();
  } catch (const c10::Error& error) {
    throw Napi::Error::New(info.Env(), error.what_without_backtrace());
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::exception& error) {
    throw Napi::Error::New(info.Env(), error.what());
  }
}

}  // namespace reclmis

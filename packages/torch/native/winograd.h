#pragma once

namespace reclmis {

// Whether this processor can run `reclmis::conv3x3`.
bool hasWinograd();

}  // namespace reclmis

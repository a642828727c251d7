// SPDX-License-Identifier: BSD-3-Clause
// What the bodies ask of an epilogue.
#ifndef ONEFOLD_KERNELS_BODY_EPILOGUE_H
#define ONEFOLD_KERNELS_BODY_EPILOGUE_H

#include "kernels/kernel.h"

/// Does the epilogue have more than a bias, a clamp, and an activation of what is stored?
ONEFOLD_INLINE int onefold_epilogue_modifies(const onefold_epilogue *e) {
  return e->scale || e->residual || e->leaky;
}

#endif

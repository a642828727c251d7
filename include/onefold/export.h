// SPDX-License-Identifier: BSD-3-Clause
// Visibility of the public functions.
#ifndef ONEFOLD_EXPORT_H
#define ONEFOLD_EXPORT_H

#if defined(_WIN32)
#define ONEFOLD_API
#else
#define ONEFOLD_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
#define ONEFOLD_BEGIN extern "C" {
#define ONEFOLD_END   }
#else
#define ONEFOLD_BEGIN
#define ONEFOLD_END
#endif

#endif

// SPDX-License-Identifier: BSD-3-Clause
// The page's style sheet, without that of the charts.
#ifndef ONEFOLD_REPORT_PAGE_STYLE_H
#define ONEFOLD_REPORT_PAGE_STYLE_H

extern const char onefold_report_page_style[];

#endif

// SPDX-License-Identifier: BSD-3-Clause
// Bars and tables of forms and rivals against one of them: what networks, blocks and tuning share.
#ifndef ONEFOLD_REPORT_BUILD_FORMS_H
#define ONEFOLD_REPORT_BUILD_FORMS_H

#include "report/document.h"
#include "report/group.h"

/// Adds a figure with the bars of every group that has `base` and something to compare it with,
/// as multiples of its median, and the table of all times. Returns the groups that it has.
size_t onefold_report_add_forms(report_document *document, report_section *section,
                                const report_groups *groups, report_role base, const char *title,
                                const char *axis);

/// The number of groups that have both roles, and the geometric mean of a's time by b's.
size_t onefold_report_mean(report_data *data, const report_groups *groups, report_role a,
                           report_role b, double *mean);

/// Of the best rival's time by ours.
size_t onefold_report_mean_rival(report_data *data, const report_groups *groups, double *mean,
                                 double *lowest);

/// The colour of a form's bars.
report_colour onefold_report_role_colour(report_role role);

#endif

/* unit_report.h - what `prosper unit` found, for people and as JSON. */
#ifndef PRS_UNIT_REPORT_H
#define PRS_UNIT_REPORT_H

#include "trace_replay.h"

/* Names as on the command line. */
extern const char *const unit_policies[2], *const unit_replacements[2], *const unit_belows[2];

void unit_report_text(const struct replay_options *options, const struct replay_result *result);
void unit_report_json(const struct replay_options *options, const struct replay_result *result);

#endif

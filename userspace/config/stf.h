/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* [[stf]]: how the tables of tunnels are read and what they must fulfil. Private to this
 * room; what comes out is in config.h. */
#pragma once

#include "base/complaints.h"
#include "config/config.h"
#include "config/reader.h"

namespace faith::config {

void read_stf(Reader &reader, const Node &table, Stf &out);

/* What no key shows alone: an address of the right kind, names and addresses given twice. */
void check_stf(const std::vector<Stf> &tunnels, Complaints &complaints);

} // namespace faith::config

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What became of an attempt to move bytes. "Not yet" and "no more" are answers, not
 * errors: a relay meets them all day.
 */
#pragma once

#include <cstddef>

namespace faith::sys {

struct Moved {
    enum class Kind {
        Some,  /* bytes > 0 */
        Again, /* nothing to take, or no room to put it */
        End,   /* the source will never have more */
        Error, /* error says which errno */
    };
    Kind kind = Kind::Again;
    std::size_t bytes = 0;
    int error = 0;

    bool operator==(const Moved &) const = default;
};

/* From the answer of read(2) and its relatives; number is errno, looked at if result < 0. */
Moved moved_from(std::ptrdiff_t result, int number);

} // namespace faith::sys

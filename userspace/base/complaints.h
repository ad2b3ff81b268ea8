/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Everything wrong with one file, in one answer: "FILE:LINE:COL: what is wrong", a line
 * each for the first ten and the number of the others, so that a file is mended in one
 * round and not in twenty.
 */
#pragma once

#include "base/result.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace faith {

class Complaints {
public:
    static constexpr std::size_t shown = 10;
    /* A reader may stop here: nobody mends the rest by hand. */
    static constexpr std::size_t enough = 1000;

    /* where is a position(), or an option of the command line. */
    void add(std::string_view where, std::string_view text);
    bool empty() const { return count_ == 0; }
    bool full() const { return count_ >= enough; }
    /* Only when not empty. */
    Error error() const;

private:
    std::vector<std::string> lines_;
    std::size_t count_ = 0;
};

/* "FILE:LINE:COL" */
std::string position(std::string_view file, std::size_t line, std::size_t column);

} // namespace faith

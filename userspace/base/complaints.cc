/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/complaints.h"

namespace faith {

std::string position(std::string_view file, std::size_t line, std::size_t column) {
    return std::string(file) + ":" + std::to_string(line) + ":" + std::to_string(column);
}

void Complaints::add(std::string_view where, std::string_view text) {
    count_++;
    if (lines_.size() < shown)
        lines_.push_back(std::string(where) + ": " + std::string(text));
}

Error Complaints::error() const {
    std::string text;
    for (const std::string &line : lines_) {
        if (!text.empty())
            text += '\n';
        text += line;
    }
    if (full())
        text += "\nand many more";
    else if (count_ > lines_.size())
        text += "\nand " + std::to_string(count_ - lines_.size()) + " more";
    return invalid(std::move(text));
}

} // namespace faith

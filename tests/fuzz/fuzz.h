/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What each fuzzer needs: its input as text, and a promise that aborts when broken. */
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);

namespace faith::fuzz {

inline std::string_view text_of(const std::uint8_t *data, std::size_t size) {
    return {reinterpret_cast<const char *>(data), size};
}

inline void promise(bool kept, std::string_view what) {
    if (kept)
        return;
    std::fprintf(stderr, "broken promise: %.*s\n", static_cast<int>(what.size()), what.data());
    std::abort();
}

/* "FILE:LINE:COL: " with real numbers, and nothing that a terminal would act on. */
inline void promise_error(std::string_view text) {
    unsigned line = 0;
    unsigned column = 0;
    promise(std::sscanf(text.data(), "f:%u:%u: ", &line, &column) == 2, "errors have a place");
    promise(line > 0 && column > 0, "lines and columns begin at one");
    for (const char letter : text)
        promise(letter == '\n' || (letter >= ' ' && letter <= '~'), "errors are printable");
}

} // namespace faith::fuzz

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/reason_text.h"

#include "faith/reasons.h"

namespace faith::daemon {

#define RETIRED(number)

const char *reason_name(std::uint32_t reason) {
#define NAME(name, number, origin, sentence)                                                       \
    case number:                                                                                   \
        return #name;
    switch (reason) { FGW_REASONS(NAME, RETIRED) }
#undef NAME
    return "UNKNOWN";
}

const char *reason_sentence(std::uint32_t reason) {
#define SENTENCE(name, number, origin, sentence)                                                   \
    case number:                                                                                   \
        return sentence;
    switch (reason) { FGW_REASONS(SENTENCE, RETIRED) }
#undef SENTENCE
    return "unknown reason";
}

#undef RETIRED

} // namespace faith::daemon

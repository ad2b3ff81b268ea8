/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/result.h"

#include <system_error>

namespace faith {

Error system_error(int number, std::string text) {
    text += ": ";
    text += std::generic_category().message(number);
    return Error{.kind = Errc::System, .sys_errno = number, .text = std::move(text)};
}

} // namespace faith

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/moved.h"

#include <cerrno>

namespace faith::sys {

Moved moved_from(std::ptrdiff_t result, int number) {
    if (result > 0)
        return Moved{
            .kind = Moved::Kind::Some, .bytes = static_cast<std::size_t>(result), .error = 0};
    if (result == 0)
        return Moved{.kind = Moved::Kind::End, .bytes = 0, .error = 0};
    /* After EINTR the descriptor is as ready as before and epoll says so again. */
    if (number == EAGAIN || number == EINTR)
        return Moved{.kind = Moved::Kind::Again, .bytes = 0, .error = 0};
    return Moved{.kind = Moved::Kind::Error, .bytes = 0, .error = number};
}

} // namespace faith::sys

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/data_ports.h"

#include "base/log.h"
#include "datapath/services.h"

namespace faith::daemon {

relay::DataPortHooks data_ports_by(const Instance &instance, std::uint16_t service) {
    const auto named = [service](const relay::DataPort &port) {
        return datapath::DataPortOfService{.client = port.client,
                                           .destination = port.destination,
                                           .port = port.port,
                                           .service = service};
    };
    const datapath::Pins pins(instance.netns_inode);
    return {.open =
                [pins, named](const relay::DataPort &port, relay::Millis wait) {
                    if (Status put = datapath::expect_data(pins, named(port), wait); !put)
                        log::warning("FTP data connection: " + put.error().text);
                },
            .close =
                [pins, named](const relay::DataPort &port) {
                    /* Without a dataplane there is nothing to forget either. */
                    static_cast<void>(datapath::forget_data(pins, named(port)));
                }};
}

} // namespace faith::daemon

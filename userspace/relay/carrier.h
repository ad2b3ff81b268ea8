/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What carries a session's bytes: two pumps, or FTP's control connection in their place. The
 * session does not need to know which; asking costs a bulk transfer one branch per step.
 */
#pragma once

#include "relay/ftp_control.h"
#include "relay/pump.h"

#include <memory>
#include <string_view>

namespace faith::relay {

class Carrier {
public:
    void open(FtpTools &ftp, const Parties &parties, int client, int server) {
        if (parties.dial.ftp)
            control_ = std::make_unique<FtpControl>(ftp, parties, client, server);
        up_.open(client, server, ftp.stats.bytes_to_server);
        down_.open(server, client, ftp.stats.bytes_to_client);
    }
    void close(PumpTools &tools) {
        control_.reset();
        up_.close(tools);
        down_.close(tools);
    }

    Pump::Result step(Direction direction, Pump::Told told, PumpTools &tools) {
        return control_ ? control_->step(direction, told) : pump(direction).step(told, tools);
    }
    bool want_read(Direction direction) const {
        return control_ ? control_->want_read(direction) : pump(direction).want_read();
    }
    void urgent_told(Direction direction) { pump(direction).urgent_told(); }
    bool want_urgent(Direction direction) const {
        return !control_ && pump(direction).want_urgent(); /* it looks for itself */
    }
    bool want_write(Direction direction) const {
        return control_ ? control_->want_write(direction) : pump(direction).want_write();
    }
    bool finished(Direction direction) const {
        return control_ ? control_->finished(direction) : pump(direction).finished();
    }
    bool take_progress(Direction direction) {
        return control_ ? control_->take_progress(direction) : pump(direction).take_progress();
    }
    std::uint64_t bytes(Direction direction) const {
        return control_ ? control_->bytes(direction) : pump(direction).bytes();
    }

    const FtpControl *control() const { return control_.get(); }
    std::string_view engine() const {
        if (control_)
            return "ftp";
        const bool splices = up_.engine() == Engine::Splice || down_.engine() == Engine::Splice;
        return splices ? "splice" : "copy";
    }

private:
    Pump &pump(Direction direction) { return direction == Direction::Up ? up_ : down_; }
    const Pump &pump(Direction direction) const { return direction == Direction::Up ? up_ : down_; }

    Pump up_;
    Pump down_;
    std::unique_ptr<FtpControl> control_;
};

} // namespace faith::relay

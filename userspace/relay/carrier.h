/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What carries a session's bytes: two pumps, or FTP's control connection in their place, or
 * rsh's opening until it is over in the place of one. The session does not need to know which;
 * asking costs a bulk transfer two branches per step.
 */
#pragma once

#include "relay/ftp_control.h"
#include "relay/pump.h"
#include "relay/rsh_control.h"

#include <functional>
#include <memory>
#include <string_view>
#include <utility>

namespace faith::relay {

class Carrier {
public:
    void open(ControlTools &tools, const Parties &parties, int client, int server,
              std::function<void()> again) {
        if (parties.dial.ftp)
            control_ =
                std::make_unique<FtpControl>(tools, parties, client, server, std::move(again));
        else if (parties.dial.rsh)
            rsh_ = std::make_unique<RshControl>(tools, parties, client, server);
        up_.open(client, server, tools.stats.bytes_to_server);
        down_.open(server, client, tools.stats.bytes_to_client);
    }
    void close(PumpTools &tools) {
        control_.reset();
        rsh_.reset();
        up_.close(tools);
        down_.close(tools);
    }

    Pump::Result step(Direction direction, Pump::Told told, PumpTools &tools) {
        if (control_)
            return control_->step(direction, told);
        if (opening(direction)) {
            const Pump::Result result = rsh_->step(told);
            if (result != Pump::Result::Going || opening(direction))
                return result;
            told = Pump::Told::Nothing; /* what was told, the opening has read */
        }
        return pump(direction).step(told, tools);
    }
    bool want_read(Direction direction) const {
        if (opening(direction))
            return rsh_->want_read();
        return control_ ? control_->want_read(direction) : pump(direction).want_read();
    }
    void urgent_told(Direction direction) { pump(direction).urgent_told(); }
    bool want_urgent(Direction direction) const {
        /* Those look for themselves. */
        return !control_ && !opening(direction) && pump(direction).want_urgent();
    }
    bool want_write(Direction direction) const {
        if (opening(direction))
            return rsh_->want_write();
        return control_ ? control_->want_write(direction) : pump(direction).want_write();
    }
    bool finished(Direction direction) const {
        return control_ ? control_->finished(direction) : pump(direction).finished();
    }
    bool take_progress(Direction direction) {
        if (rsh_ && direction == Direction::Up && rsh_->take_progress())
            return true;
        return control_ ? control_->take_progress(direction) : pump(direction).take_progress();
    }
    std::uint64_t bytes(Direction direction) const {
        const std::uint64_t opened = rsh_ && direction == Direction::Up ? rsh_->bytes() : 0;
        return control_ ? control_->bytes(direction) : opened + pump(direction).bytes();
    }

    const FtpControl *control() const { return control_.get(); }
    const RshControl *rsh() const { return rsh_.get(); }
    std::string_view engine() const {
        if (control_)
            return "ftp";
        const bool splices = up_.engine() == Engine::Splice || down_.engine() == Engine::Splice;
        return splices ? "splice" : "copy";
    }

private:
    Pump &pump(Direction direction) { return direction == Direction::Up ? up_ : down_; }
    const Pump &pump(Direction direction) const { return direction == Direction::Up ? up_ : down_; }

    bool opening(Direction direction) const {
        return rsh_ && direction == Direction::Up && !rsh_->through();
    }

    Pump up_;
    Pump down_;
    std::unique_ptr<FtpControl> control_;
    std::unique_ptr<RshControl> rsh_;
};

} // namespace faith::relay

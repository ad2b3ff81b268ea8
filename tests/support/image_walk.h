/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An image read by its definition in faith/abi.h and nothing else: every entry is looked
 * at, bit by bit. And an image as text, for people and golden files.
 */
#pragma once

#include "acl/evaluate.h"
#include "acl/image.h"
#include "acl/rule.h"

#include <span>
#include <string>

namespace faith::test {

/* The verdict word. */
std::uint32_t walk(const acl::Image &image, const acl::Packet &packet);

/* Each source, its destinations and their segments; rules are named by line. */
std::string to_text(const acl::Image &image, std::span<const acl::Rule> rules);

} // namespace faith::test

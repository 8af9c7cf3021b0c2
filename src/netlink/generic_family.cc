// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/netlink/generic_family.h"

#include <linux/genetlink.h>

#include "src/netlink/wire.h"

namespace wgnet::netlink {

ReadOutcome ReadGenericFamily(std::string_view name, Client& client, SecretBuffer& request,
                              uint16_t& family) {
  request.Clear();
  MessageWriter out(request, client.sequence());
  out.Begin(GENL_ID_CTRL, 0, genlmsghdr{CTRL_CMD_GETFAMILY, 2, 0});
  out.PutString(CTRL_ATTR_FAMILY_NAME, name);
  return client.Read(Bus::kGeneric, request.bytes(), [&](const Message& message) {
    genlmsghdr header;
    Bytes attributes;
    return message.Split(header, attributes) &&
           ForEachAttribute(attributes, [&](uint16_t type, Bytes payload) {
             if (type == CTRL_ATTR_FAMILY_ID) U16::Get(payload, family);
           });
  });
}

}  // namespace wgnet::netlink

// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/kernel/nft_table.h"

namespace wgnet::kernel {

Commands CommandsOf(const Edit<NftTable>& edit, const netlink::SecretWord&) {
  const NftTable& table = edit.object;
  NftCommand command = NftCommandFor(edit.verb == Verb::kDelete ? "delete table" : "add table",
                                     *table.family, table.name->view());
  if (edit.verb == Verb::kAdd && table.comment) {
    command.Word("{ comment").Quoted(table.comment->view()).Word("; }");
  }
  return {command.Finish()};
}

}  // namespace wgnet::kernel

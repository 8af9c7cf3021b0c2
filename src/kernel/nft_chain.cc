// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/kernel/nft_chain.h"

namespace wgnet::kernel {
namespace {

bool RulesChange(const Edit<NftChain>& edit) {
  return edit.object.rules &&
         (edit.verb != Verb::kChange || edit.object.rules != edit.before.rules);
}

// A changed chain is sent itself only if more than its rules changed.
bool ChainChanges(const Edit<NftChain>& edit) {
  if (edit.verb != Verb::kChange) return true;
  bool changes = false;
  netlink::ForEachRow<NftChain>([&](const auto& row) {
    changes =
        changes || (row.attribute != netlink::kNoAttribute && row.role != netlink::Role::kKey &&
                    netlink::IsChanged(row, edit.before, edit.object));
  });
  return changes;
}

void EncodeChain(const Edit<NftChain>& edit, netlink::MessageWriter& out) {
  const auto wanted = WantedRows(edit);
  nfgenmsg header{};
  netlink::EncodeHeader(edit.object, header, wanted);
  const bool deletes = edit.verb == Verb::kDelete;
  out.Begin(NftMessage(deletes ? NFT_MSG_DELCHAIN : NFT_MSG_NEWCHAIN),
            edit.verb == Verb::kAdd ? NLM_F_CREATE | NLM_F_EXCL : 0, header);
  netlink::EncodeAttributes(edit.object, out, wanted);
  if (edit.verb == Verb::kAdd) out.PutRaw(edit.object.extra);
}

std::string ChainDefinition(const NftChain& chain) {
  if (!chain.hook && !chain.policy) return "";
  std::string text = "{ ";
  if (chain.hook)
    text += fmt::format("type {} {}; ", chain.type->view(), NftHookWire::Text(*chain.hook));
  if (chain.policy) text += fmt::format("policy {}; ", NftPolicy::Text(*chain.policy));
  return text + "}";
}

std::string RuleCommand(const NftChain& chain, const NftRule& rule) {
  NftCommand command =
      NftCommandFor("add rule", *chain.family, chain.table->view(), chain.name->view());
  command.Word(rule.text.text);
  if (rule.comment) command.Word("comment").Quoted(rule.comment->view());
  if (rule.text.text.empty()) command.NotExpressible("a rule that is put back as it was read");
  if (!rule.text.expressible) command.NotExpressible("the rule " + rule.text.text);
  return command.Finish();
}

}  // namespace

void NftHookWire::Put(netlink::MessageWriter& out, uint16_t attribute, const NftHook& hook) {
  out.Nest(attribute,
           [&] { netlink::EncodeAttributes(hook, out, [](const auto&) { return true; }); });
}

bool NftHookWire::Get(netlink::Bytes payload, NftHook& hook) {
  return netlink::DecodeAttributes(payload, netlink::ExtraMode::kDrop, hook);
}

std::string NftHookWire::Text(const NftHook& hook) {
  return fmt::format("hook {} priority {}", NftHookNumber::Text(hook.number.value_or(0)),
                     hook.priority.value_or(0));
}

void NftRuleList::WriteJson(const Value& rules, JsonWriter& out) {
  out.Array([&] {
    for (const NftRule& rule : rules) out.String(rule.text.text.empty() ? "(raw)" : rule.text.text);
  });
}

void Encode(const Edit<NftChain>& edit, const EncodeContext&, netlink::MessageWriter& out) {
  const NftChain& chain = edit.object;
  const bool rules = RulesChange(edit);
  if (edit.verb != Verb::kDelete && ChainChanges(edit)) EncodeChain(edit, out);
  if (rules && edit.verb != Verb::kAdd) EncodeFlush(*chain.family, *chain.table, *chain.name, out);
  if (rules && edit.verb != Verb::kDelete) {
    for (const NftRule& rule : *chain.rules) {
      EncodeRule(rule, *chain.family, *chain.table, *chain.name, out);
    }
  }
  if (edit.verb == Verb::kDelete) EncodeChain(edit, out);
}

Commands CommandsOf(const Edit<NftChain>& edit, const netlink::SecretWord&) {
  const NftChain& chain = edit.object;
  const auto command = [&](std::string_view verb_and_noun) {
    return NftCommandFor(verb_and_noun, *chain.family, chain.table->view(), chain.name->view());
  };
  const bool rules = RulesChange(edit);
  Commands commands;
  if (edit.verb != Verb::kDelete && ChainChanges(edit)) {
    commands.push_back(command("add chain").Word(ChainDefinition(chain)).Finish());
  }
  if (rules && edit.verb != Verb::kAdd) commands.push_back(command("flush chain").Finish());
  if (rules && edit.verb != Verb::kDelete) {
    for (const NftRule& rule : *chain.rules) commands.push_back(RuleCommand(chain, rule));
  }
  if (edit.verb == Verb::kDelete) commands.push_back(command("delete chain").Finish());
  return commands;
}

}  // namespace wgnet::kernel

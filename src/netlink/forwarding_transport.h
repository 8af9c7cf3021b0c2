// SPDX-License-Identifier: MIT OR Apache-2.0
// What stands before another transport passes on all that it does not take itself.
#ifndef WGNET_NETLINK_FORWARDING_TRANSPORT_H_
#define WGNET_NETLINK_FORWARDING_TRANSPORT_H_

#include <memory>
#include <utility>

#include "src/netlink/transport.h"

namespace wgnet::netlink {

class ForwardingTransport : public Transport {
 public:
  int Send(Bus bus, std::span<const iovec> parts) override { return inner_->Send(bus, parts); }
  ssize_t Receive(Bus bus, std::span<std::byte> buffer) override {
    return inner_->Receive(bus, buffer);
  }
  size_t SendLimit(Bus bus) const override { return inner_->SendLimit(bus); }
  int StartNoticing() override { return inner_->StartNoticing(); }
  bool StopNoticing() override { return inner_->StopNoticing(); }
  int OpenSetting(const char* name, bool writable) override {
    return inner_->OpenSetting(name, writable);
  }
  ssize_t ReadSetting(int handle, std::span<char> value) override {
    return inner_->ReadSetting(handle, value);
  }
  int WriteSetting(int handle, std::string_view value) override {
    return inner_->WriteSetting(handle, value);
  }
  void CloseSetting(int handle) override { inner_->CloseSetting(handle); }
  int Run(const Process& process) override { return inner_->Run(process); }
  DnsSystem* dns() override { return inner_->dns(); }

 protected:
  explicit ForwardingTransport(std::unique_ptr<Transport> inner) : inner_(std::move(inner)) {}
  Transport& next() const { return *inner_; }

 private:
  std::unique_ptr<Transport> inner_;
};

}  // namespace wgnet::netlink

#endif  // WGNET_NETLINK_FORWARDING_TRANSPORT_H_

// SPDX-License-Identifier: MIT OR Apache-2.0
// A WireGuard server for one laptop, which reaches the internet through it.
#include <iostream>

#include "wgnet/wgnet.h"

int main() {
  wgnet::Node node;
  node.Add(wgnet::Interface("wg0")
               .PrivateKey("kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700=")
               .ListenPort(51820)
               .Address("10.13.13.1/24")
               .AddPeer(wgnet::Peer("HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0=")
                            .AllowedIp("10.13.13.2/32")));
  node.Add(wgnet::NatRule::Masquerade().Source("10.13.13.0/24").OutInterface("eth*"));
  node.Add(wgnet::ForwardRule().Between("wg0", "eth*"));

  auto session = wgnet::Session::Open({.owner = "gateway"});
  if (!session) return std::cerr << session.error() << '\n', 1;
  auto done = session->Apply(node);  // all of it, or none of it
  if (!done) return std::cerr << done.error() << '\n', 1;
  std::cout << done->steps << " steps done\n";
}

import { lookup } from "node:dns/promises";
import { BlockList, isIPv6 } from "node:net";

export interface HostAddress {
  address: string;
  onLoopback: boolean;
}

/** The address of a host to listen on, and whether only this machine reaches it. */
export async function resolveHost(host: string): Promise<HostAddress> {
  const { address } = await lookup(host);
  const loopback = new BlockList();
  loopback.addSubnet("127.0.0.0", 8);
  loopback.addAddress("::1", "ipv6");
  return { address, onLoopback: loopback.check(address, isIPv6(address) ? "ipv6" : "ipv4") };
}

/**
 * Whether a request's Host header names this machine. A page on a name that its owner points at 127.0.0.1 (DNS
 * rebinding) would otherwise be of the same origin as what listens there.
 */
export function isLoopbackName(host: string | undefined): boolean {
  const name = (host ?? "").toLowerCase().replace(/:\d+$/, "");
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(name);
}

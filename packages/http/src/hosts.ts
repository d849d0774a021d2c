import { lookup } from "node:dns/promises";
import { BlockList, isIPv6 } from "node:net";
import type { RequestHandler } from "express";

export interface HostAddress {
  address: string;
  onLoopback: boolean;
}

/** The address of a host to listen on, and whether only this machine can reach it. */
export async function resolveHost(host: string): Promise<HostAddress> {
  const { address } = await lookup(host);
  return { address, onLoopback: isLoopback(address) };
}

const isLoopback = matchAddresses(["127.0.0.0/8", "::1"]);

/** Whether an address is one of these or in one of these subnets. IPv4 addresses may be written as IPv6 ones. */
export function matchAddresses(subnets: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [address = "", bits] = subnet.split("/");
    const family = familyOf(address);
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return (address) => list.check(address, familyOf(address));
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIPv6(address) ? "ipv6" : "ipv4";
}

/**
 * Accepts only requests to this machine's own names. Without this check, a web page whose owner points its name at 127.0.0.1
 * (DNS rebinding) would have the same origin as the server here.
 * @param refuse Makes the error for any other name, from a sentence for whoever sent it.
 */
export function requireLoopbackHost(service: string, refuse: (detail: string) => Error): RequestHandler {
  return (request, _response, next) => {
    if (isLoopbackName(request.get("host"))) return next();
    throw refuse(`This ${service} only answers requests to localhost, 127.0.0.1 and [::1].`);
  };
}

function isLoopbackName(host: string | undefined): boolean {
  const name = (host ?? "").toLowerCase().replace(/:\d+$/, "");
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(name);
}

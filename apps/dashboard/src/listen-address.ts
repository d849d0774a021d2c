import { lookup } from "node:dns/promises";
import { BlockList, isIPv6 } from "node:net";
import { ReembedError } from "@reembed/core";

export interface ListenAddress {
  address: string;
  onLoopback: boolean;
}

/**
 * The address of a host to listen on.
 * @throws ReembedError `dashboard_unprotected` (exit code 2) for one that others can reach, without a password.
 */
export async function resolveListenAddress(host: string, password: string | undefined): Promise<ListenAddress> {
  const { address } = await lookup(host);
  const onLoopback = isLoopback(address);
  if (onLoopback || password !== undefined) return { address, onLoopback };
  throw new ReembedError(
    "dashboard_unprotected",
    `The dashboard does not listen on ${host} without a password: whoever reaches it could empty the queues.`,
    { exitCode: 2, remedy: "Set DASHBOARD_PASSWORD, or leave --host and DASHBOARD_HOST out for 127.0.0.1." },
  );
}

function isLoopback(address: string): boolean {
  const loopback = new BlockList();
  loopback.addSubnet("127.0.0.0", 8);
  loopback.addAddress("::1", "ipv6");
  return loopback.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}

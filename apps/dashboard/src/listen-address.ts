import { ReembedError } from "@reembed/core";
import { type HostAddress, resolveHost } from "@reembed/http";

/**
 * The address of a host to listen on.
 * @throws ReembedError `dashboard_unprotected` (exit code 2) if others can reach the address and there is no password.
 */
export async function resolveListenAddress(host: string, password: string | undefined): Promise<HostAddress> {
  const { address, onLoopback } = await resolveHost(host);
  if (onLoopback || password !== undefined) return { address, onLoopback };
  throw new ReembedError(
    "dashboard_unprotected",
    `The dashboard does not listen on ${host} without a password, because anybody who reaches it could empty the queues.`,
    { exitCode: 2, remedy: "Set DASHBOARD_PASSWORD, or leave --host and DASHBOARD_HOST unset to listen on 127.0.0.1." },
  );
}

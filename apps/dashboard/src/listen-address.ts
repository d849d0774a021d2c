import { ReembedError } from "@reembed/core";
import { type HostAddress, resolveHost } from "@reembed/runtime";

/**
 * The address of a host to listen on.
 * @throws ReembedError `dashboard_unprotected` (exit code 2) for one that others can reach, without a password.
 */
export async function resolveListenAddress(host: string, password: string | undefined): Promise<HostAddress> {
  const { address, onLoopback } = await resolveHost(host);
  if (onLoopback || password !== undefined) return { address, onLoopback };
  throw new ReembedError(
    "dashboard_unprotected",
    `The dashboard does not listen on ${host} without a password: whoever reaches it could empty the queues.`,
    { exitCode: 2, remedy: "Set DASHBOARD_PASSWORD, or leave --host and DASHBOARD_HOST out for 127.0.0.1." },
  );
}

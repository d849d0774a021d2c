import { EmbedQueue } from "@reembed/queue";
import { createLogger } from "@reembed/runtime";
import type { Database } from "@reembed/store";
import { openTestDatabase, type TestServers, testProfile } from "@reembed/testing";
import { type DashboardOptions, startDashboard } from "../src/dashboard.ts";

export const log = createLogger("silent");
export const adminPassword = "correct horse";
export const viewerPassword = "just looking";

export interface TestDashboard extends AsyncDisposable {
  database: Database;
  queue: EmbedQueue;
  /** Without a slash at the end. */
  origin: string;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  /** A request as a page of the dashboard makes it. */
  send(method: string, path: string, body?: RequestInit["body"], headers?: Record<string, string>): Promise<Response>;
}

/** A dashboard over a fresh database with the profile `mini-m3`, and the queue of that profile. */
export async function openDashboard(
  servers: TestServers,
  passwords: Pick<DashboardOptions, "password" | "viewerPassword" | "trustedProxies" | "basePath"> = {},
): Promise<TestDashboard> {
  await using scope = new AsyncDisposableStack();
  const database = scope.use(await openTestDatabase(servers, [testProfile("mini-m3")]));
  const queue = scope.use(new EmbedQueue(servers.queue, "mini-m3", () => {}));
  const { url } = scope.use(await startDashboard({ database, queue: servers.queue, port: 0, ...passwords, log }));
  const { origin } = new URL(url);
  const opened = scope.move();
  return {
    database,
    queue,
    origin,
    get: (path, headers = {}) => fetch(`${origin}${path}`, { headers, redirect: "manual" }),
    send: (method, path, body, headers = {}) =>
      fetch(`${origin}${path}`, { method, body: body ?? null, headers: { origin, ...headers }, redirect: "manual" }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** The cookie of a session that a password begins. */
export async function logIn({ send }: TestDashboard, password: string): Promise<{ cookie: string }> {
  const response = await send("POST", "/login", new URLSearchParams({ password }));
  if (response.status !== 303) throw new Error(`Log-in answered ${response.status}`);
  return { cookie: response.headers.getSetCookie()[0]?.split(";")[0] ?? "" };
}

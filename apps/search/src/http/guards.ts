import { ReembedError } from "@reembed/core";
import { equalSecrets, type HostAddress, limitRate, requireLoopbackHost, resolveHost } from "@reembed/http";
import type { RequestHandler } from "express";
import { Problem, sendProblem } from "./problem.ts";

/**
 * The address of a host to listen on.
 * @throws ReembedError `search_unprotected` (exit code 2) if others can reach the address and there is no key.
 */
export async function resolveSearchHost(host: string, apiKey: string | undefined): Promise<HostAddress> {
  const resolved = await resolveHost(host);
  if (resolved.onLoopback || apiKey !== undefined) return resolved;
  throw new ReembedError(
    "search_unprotected",
    `The search does not listen on ${host} without a key, because anybody who reaches it could read the corpus.`,
    { exitCode: 2, remedy: "Set SEARCH_API_KEY, or leave --host and SEARCH_HOST unset to listen on 127.0.0.1." },
  );
}

/** Needed without a key: nothing else would stop a foreign page in a browser on this machine. */
export const requireOwnName = requireLoopbackHost("search", (detail) => new Problem(421, "wrong_host", detail));

export function requireKey(apiKey: string): RequestHandler {
  return (request, response, next) => {
    const [, given = ""] = request.get("authorization")?.match(/^Bearer +(\S+)$/i) ?? [];
    if (equalSecrets(given, apiKey)) return next();
    response.set("WWW-Authenticate", "Bearer");
    throw new Problem(401, "key_missing", "Send the key of this search in the header `Authorization: Bearer …`.");
  };
}

/** A foreign page can send forms and text/plain without a preflight, but not JSON, and preflights are never granted. */
export const requireJson: RequestHandler = (request, _response, next) => {
  if (request.is("application/json")) return next();
  throw new Problem(415, "not_json", "Send JSON with the content type application/json.");
};

export function limitSearches(perMinute: number): RequestHandler {
  const detail = `One address may ask ${perMinute} times a minute: wait, or raise SEARCH_RATE_LIMIT.`;
  return limitRate({
    perMinute,
    refuse: (_, response) => sendProblem(response, new Problem(429, "too_many_requests", detail)),
  });
}

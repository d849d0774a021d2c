import { ReembedError } from "@reembed/core";
import { equalSecrets, type HostAddress, isLoopbackName, resolveHost } from "@reembed/runtime";
import type { RequestHandler } from "express";
import { rateLimit } from "express-rate-limit";
import { Problem, sendProblem } from "./problem.ts";

/**
 * The address of a host to listen on.
 * @throws ReembedError `search_unprotected` (exit code 2) for one that others can reach, without a key.
 */
export async function resolveSearchHost(host: string, apiKey: string | undefined): Promise<HostAddress> {
  const resolved = await resolveHost(host);
  if (resolved.onLoopback || apiKey !== undefined) return resolved;
  throw new ReembedError(
    "search_unprotected",
    `The search does not listen on ${host} without a key: whoever reaches it could read the corpus.`,
    { exitCode: 2, remedy: "Set SEARCH_API_KEY, or leave --host and SEARCH_HOST out for 127.0.0.1." },
  );
}

/** Refuses names other than loopback's, where nothing else keeps a foreign page in this machine's browser out. */
export const requireLoopbackHost: RequestHandler = (request, _response, next) => {
  if (isLoopbackName(request.get("host"))) return next();
  throw new Problem(421, "wrong_host", "This search answers only to localhost, 127.0.0.1 and [::1].");
};

export function requireKey(apiKey: string): RequestHandler {
  return (request, response, next) => {
    const [, given = ""] = request.get("authorization")?.match(/^Bearer +(\S+)$/i) ?? [];
    if (equalSecrets(given, apiKey)) return next();
    response.set("WWW-Authenticate", "Bearer");
    throw new Problem(401, "key_missing", "Send the key of this search as `Authorization: Bearer …`.");
  };
}

/**
 * A form or a text/plain body of a foreign page needs no preflight; JSON does, which is never granted.
 */
export const requireJson: RequestHandler = (request, _response, next) => {
  if (request.is("application/json")) return next();
  throw new Problem(415, "not_json", "Send JSON, as application/json.");
};

/** Counted by the address of the connection, or of the client of a trusted proxy: others write what they like into X-Forwarded-For. */
export function limitRate(perMinute: number): RequestHandler {
  return rateLimit({
    windowMs: 60_000,
    limit: perMinute,
    standardHeaders: "draft-8",
    legacyHeaders: false,
    validate: { xForwardedForHeader: false },
    handler: (_, response) => {
      const detail = `One address may ask ${perMinute} times a minute: wait, or raise SEARCH_RATE_LIMIT.`;
      sendProblem(response, new Problem(429, "too_many_requests", detail));
    },
  });
}

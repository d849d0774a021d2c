import { isAtLeast, type Role } from "@reembed/core";
import { requireLoopbackHost } from "@reembed/http";
import type { Request, RequestHandler, Response } from "express";
import { redirectTo } from "../page/layout.ts";
import { Problem } from "../page/problem.ts";
import { type Access, bearerToken } from "./access.ts";
import type { Identity } from "./identity.ts";

/** Needed without passwords: with them, the cookie is bound to the right name. */
export const requireOwnName = requireLoopbackHost("dashboard", (detail) => new Problem(421, detail));

/**
 * Refuses writes that do not come from one of our pages. Browsers send the origin of a request in Sec-Fetch-Site and, on
 * plain http to other names, in Origin. Nothing else would stop a cross-origin form or text/plain POST, which needs no
 * preflight, and Bull Board itself accepts such a POST and adds jobs. A token is no cookie: no page makes a browser send it.
 */
export const requireSameOrigin: RequestHandler = (request, _response, next) => {
  if (isRead(request) || bearerToken(request) !== undefined || isSameOrigin(request)) return next();
  throw new Problem(
    403,
    "A change must come from a page of this dashboard. Other clients must send its address in the header Origin, or a token.",
  );
};

/** Lets in whoever is known, to read; a browser of anybody else is sent to the log-in page. */
export function requireIdentity(access: Access): RequestHandler {
  return async (request, response, next) => {
    const identity = await access.identify(request);
    if (identity === undefined) {
      if (isRead(request) && request.accepts(["json", "html"]) === "html") {
        return redirectTo(response, `/login?next=${encodeURIComponent(request.originalUrl)}`);
      }
      throw new Problem(401, "Log in at /login first, or send a token.");
    }
    // Pages contain confidential texts, and a shared browser must not show them again after a log-out.
    response.set("Cache-Control", "no-store");
    response.locals.identity = identity;
    next();
  };
}

/** Guards what follows: only these roles may do more than read. */
export function requireToWrite(least: Role): RequestHandler {
  return (request, response, next) => {
    if (!isRead(request)) requireRole(response, least);
    next();
  };
}

/** @throws Problem 403 that says which role is needed. */
export function requireRole(response: Response, least: Role): void {
  const { role } = identityOf(response);
  if (isAtLeast(role, least)) return;
  if (role === "viewer") throw new Problem(403, "A viewer may read everything, but change nothing.");
  throw new Problem(403, `Only an ${least} may do this: it reaches into the queue, or cannot be undone.`);
}

/** Who has sent the request, once `requireIdentity` has let it in. */
export function identityOf(response: Response): Identity {
  return response.locals.identity as Identity;
}

export function isRead({ method }: Request): boolean {
  return method === "GET" || method === "HEAD";
}

function isSameOrigin(request: Request): boolean {
  const site = request.get("sec-fetch-site");
  if (site !== undefined) return site === "same-origin";
  const origin = request.get("origin");
  return origin !== undefined && URL.parse(origin)?.host === hostOf(request);
}

function hostOf(request: Request): string {
  return (request.get("host") ?? "").toLowerCase();
}

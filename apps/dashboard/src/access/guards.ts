import { requireLoopbackHost } from "@reembed/http";
import type { Request, RequestHandler } from "express";
import { redirectTo } from "../page/layout.ts";
import { Problem } from "../page/problem.ts";
import type { Access } from "./access.ts";

/** Needed without passwords: with them, the cookie is bound to the right name. */
export const requireOwnName = requireLoopbackHost("dashboard", (detail) => new Problem(421, detail));

/**
 * Refuses writes that do not come from one of our pages. Browsers send the origin of a request in Sec-Fetch-Site and, on
 * plain http to other names, in Origin. Nothing else would stop a cross-origin form or text/plain POST, which needs no
 * preflight, and Bull Board itself accepts such a POST and adds jobs.
 */
export const requireSameOrigin: RequestHandler = (request, _response, next) => {
  if (isRead(request) || isSameOrigin(request)) return next();
  throw new Problem(
    403,
    "A change must come from a page of this dashboard. Other clients must send its address in the header Origin.",
  );
};

/** Lets in requests with a session; a browser without one is sent to the log-in page. */
export function requireRole(access: Access): RequestHandler {
  return (request, response, next) => {
    const role = access.roleOf(request);
    if (role === undefined) {
      if (isRead(request) && request.accepts(["json", "html"]) === "html") {
        return redirectTo(response, `/login?next=${encodeURIComponent(request.originalUrl)}`);
      }
      throw new Problem(401, "Log in at /login first.");
    }
    // Pages contain confidential texts, and a shared browser must not show them again after a log-out.
    response.set("Cache-Control", "no-store");
    response.locals.role = role;
    if (role !== "admin" && !isRead(request))
      throw new Problem(403, "A viewer may read everything, but change nothing.");
    next();
  };
}

function isRead({ method }: Request): boolean {
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

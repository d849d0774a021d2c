import { isLoopbackName } from "@reembed/runtime";
import type { Request, RequestHandler } from "express";
import { redirectTo } from "../page/layout.ts";
import { Problem } from "../page/problem.ts";
import type { Access } from "./access.ts";

/** Refuses names other than loopback's. With passwords they gain nothing, because the cookie belongs to the right name. */
export const requireLoopbackHost: RequestHandler = (request, _response, next) => {
  if (!isLoopbackName(hostOf(request))) {
    throw new Problem(421, "This dashboard answers only to localhost, 127.0.0.1 and [::1].");
  }
  next();
};

/**
 * Refuses writes that are not from a page of ours. Browsers say where a request comes from in Sec-Fetch-Site and, on
 * plain http to other names, in Origin; a cross-origin form or text/plain POST needs no preflight, so nothing else
 * would stop it. Bull Board by itself takes one and adds jobs.
 */
export const requireSameOrigin: RequestHandler = (request, _response, next) => {
  if (isRead(request) || isSameOrigin(request)) return next();
  throw new Problem(403, "A change must come from a page of this dashboard; other clients send its address as Origin.");
};

/** Lets in whoever has a session; a person without one is sent to the log-in page. */
export function requireRole(access: Access): RequestHandler {
  return (request, response, next) => {
    const role = access.roleOf(request);
    if (role === undefined) {
      if (isRead(request) && request.accepts(["json", "html"]) === "html") {
        return redirectTo(response, `/login?next=${encodeURIComponent(request.originalUrl)}`);
      }
      throw new Problem(401, "Log in at /login first.");
    }
    // Pages hold what is nobody else's business, and a shared browser's back button must not bring it back.
    response.set("Cache-Control", "no-store");
    response.locals.role = role;
    if (role !== "admin" && !isRead(request)) throw new Problem(403, "A viewer may look and change nothing.");
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

import type { RequestHandler } from "express";
import helmet from "helmet";

/** The page loads only from this origin, has nothing inline, and cannot be framed. */
export function securityHeaders(): RequestHandler {
  return helmet({
    // Without helmet's defaults, because they include upgrade-insecure-requests, which breaks a page on plain http.
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        connectSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    xFrameOptions: { action: "deny" },
    // It would apply to every port and subdomain of the host, so the server that terminates TLS must decide.
    strictTransportSecurity: false,
  });
}

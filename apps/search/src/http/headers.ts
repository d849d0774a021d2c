import type { RequestHandler } from "express";
import helmet from "helmet";

/** Everything from here and nothing inline; no page may frame us. */
export function securityHeaders(): RequestHandler {
  return helmet({
    // Without helmet's defaults: among them is upgrade-insecure-requests, which breaks a page on plain http.
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
    // It would bind every port and subdomain of the host: for whoever ends TLS to say.
    strictTransportSecurity: false,
  });
}

import type { RequestHandler } from "express";
import helmet from "helmet";

/** Scripts and styles are files of ours and nothing is inline; no page may frame us. */
const common = { scriptSrc: ["'self'"], styleSrc: ["'self'"], formAction: ["'self'"], frameAncestors: ["'none'"] };

/**
 * The headers that keep a browser from doing more with our pages than they need.
 * @param directives Of the content security policy, beside and instead of the common ones.
 * @param referrer What other pages of this site are told.
 */
export function securityHeaders(
  directives: Readonly<Record<string, string[]>>,
  referrer: "no-referrer" | "same-origin" = "no-referrer",
): RequestHandler {
  return helmet({
    // Without helmet's defaults: among them is upgrade-insecure-requests, which breaks a page on plain http.
    contentSecurityPolicy: { useDefaults: false, directives: { ...common, ...directives } },
    xFrameOptions: { action: "deny" },
    referrerPolicy: { policy: referrer },
    // It would bind every port and subdomain of the host: for whoever ends TLS to say.
    strictTransportSecurity: false,
  });
}

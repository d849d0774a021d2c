import type { RequestHandler } from "express";
import helmet from "helmet";

/** Scripts and styles come only from this server's files, never inline. No page may embed this one in a frame. */
const common = { scriptSrc: ["'self'"], styleSrc: ["'self'"], formAction: ["'self'"], frameAncestors: ["'none'"] };

/**
 * The headers that limit what a browser does with these pages.
 * @param directives Directives of the content security policy; they are added to the common ones or replace them.
 * @param referrer The referrer policy: whether other pages of this site receive the referrer.
 */
export function securityHeaders(
  directives: Readonly<Record<string, string[]>>,
  referrer: "no-referrer" | "same-origin" = "no-referrer",
): RequestHandler {
  return helmet({
    // No defaults of helmet, because they contain upgrade-insecure-requests, which breaks a page on plain http.
    contentSecurityPolicy: { useDefaults: false, directives: { ...common, ...directives } },
    xFrameOptions: { action: "deny" },
    referrerPolicy: { policy: referrer },
    // It would apply to every port and subdomain of the host. The proxy that terminates TLS can set it.
    strictTransportSecurity: false,
  });
}

import type { RequestHandler } from "express";
import helmet from "helmet";

/** Everything from here and nothing inline; no page may frame us. */
const policy = {
  defaultSrc: ["'self'"],
  scriptSrc: ["'self'"],
  scriptSrcAttr: ["'none'"],
  styleSrc: ["'self'"],
  imgSrc: ["'self'", "data:"],
  objectSrc: ["'none'"],
  baseUri: ["'self'"],
  formAction: ["'self'"],
  frameAncestors: ["'none'"],
};

export function securityHeaders(): RequestHandler {
  return helmetWith(policy);
}

/**
 * Bull Board's page and its dialogs have style attributes and elements of their own, ten different ones at a glance: its
 * styles cannot be listed. Its scripts are files, so those stay as strict as ours.
 */
export function boardHeaders(): RequestHandler {
  return helmetWith({ ...policy, styleSrc: ["'self'", "'unsafe-inline'"] });
}

function helmetWith(directives: Record<string, string[]>): RequestHandler {
  // Without helmet's defaults: among them is upgrade-insecure-requests, which breaks a dashboard on plain http.
  return helmet({
    contentSecurityPolicy: { useDefaults: false, directives },
    xFrameOptions: { action: "deny" },
    // With helmet's no-referrer, browsers send `Origin: null` with our own forms.
    referrerPolicy: { policy: "same-origin" },
    // It would bind every port and subdomain of the host: for whoever ends TLS to say.
    strictTransportSecurity: false,
  });
}

import type { RequestHandler } from "express";
import helmet from "helmet";

/** Pages load only from this origin, have nothing inline, and cannot be framed. */
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
 * Bull Board's page and dialogs have their own inline styles, ten different ones at a glance, so that styles cannot be
 * listed. Its scripts are files, so the policy for scripts is as strict as ours.
 */
export function boardHeaders(): RequestHandler {
  return helmetWith({ ...policy, styleSrc: ["'self'", "'unsafe-inline'"] });
}

function helmetWith(directives: Record<string, string[]>): RequestHandler {
  // Without helmet's defaults, because they include upgrade-insecure-requests, which breaks a dashboard on plain http.
  return helmet({
    contentSecurityPolicy: { useDefaults: false, directives },
    xFrameOptions: { action: "deny" },
    // With helmet's no-referrer, browsers send `Origin: null` with our own forms.
    referrerPolicy: { policy: "same-origin" },
    // It would apply to every port and subdomain of the host, so the server that terminates TLS must decide.
    strictTransportSecurity: false,
  });
}

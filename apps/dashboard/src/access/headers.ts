import { securityHeaders } from "@reembed/http";
import type { RequestHandler } from "express";

const policy = {
  defaultSrc: ["'self'"],
  scriptSrcAttr: ["'none'"],
  imgSrc: ["'self'", "data:"],
  objectSrc: ["'none'"],
  baseUri: ["'self'"],
};
/** With helmet's no-referrer, browsers send `Origin: null` with our own forms. */
const referrer = "same-origin";

export function pageHeaders(): RequestHandler {
  return securityHeaders(policy, referrer);
}

/**
 * Bull Board's page and its dialogs have too many style attributes and elements to list, so its styles are allowed inline.
 * Its scripts are files, so they are limited as strictly as ours.
 */
export function boardHeaders(): RequestHandler {
  return securityHeaders({ ...policy, styleSrc: ["'self'", "'unsafe-inline'"] }, referrer);
}

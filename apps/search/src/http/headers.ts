import { securityHeaders } from "@reembed/http";
import type { RequestHandler } from "express";

export function pageHeaders(): RequestHandler {
  return securityHeaders({
    defaultSrc: ["'none'"],
    imgSrc: ["'self'"],
    connectSrc: ["'self'"],
    baseUri: ["'none'"],
  });
}

import type { Request, RequestHandler, Response } from "express";
import { rateLimit } from "express-rate-limit";

export interface RateLimitOptions {
  /** Requests of one address in a minute. */
  perMinute: number;
  /** Counts only those that are answered with an error. */
  onlyFailures?: boolean;
  /** Answers what is over the limit. */
  refuse: (request: Request, response: Response) => void;
}

/**
 * Limits requests by the address of the connection, or of a trusted proxy's client: others write what they like into
 * X-Forwarded-For.
 */
export function limitRate({ perMinute, onlyFailures = false, refuse }: RateLimitOptions): RequestHandler {
  return rateLimit({
    windowMs: 60_000,
    limit: perMinute,
    skipSuccessfulRequests: onlyFailures,
    standardHeaders: "draft-8",
    legacyHeaders: false,
    validate: { xForwardedForHeader: false },
    handler: refuse,
  });
}

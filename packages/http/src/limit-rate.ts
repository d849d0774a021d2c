import type { Request, RequestHandler, Response } from "express";
import { rateLimit } from "express-rate-limit";

export interface RateLimitOptions {
  /** The most requests from one address in a minute. */
  perMinute: number;
  /** Whether to count only requests that are answered with an error. */
  onlyFailures?: boolean;
  /** Answers a request that exceeds the limit. */
  refuse: (request: Request, response: Response) => void;
}

/**
 * Limits requests per address: that of the connection, or of the client behind a trusted proxy. Anybody else can write
 * any address into X-Forwarded-For.
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

import type { RequestHandler } from "express";

const jobsPerPageAtMost = 100;

/**
 * Bounds the page and its size in a request to Bull Board, which would read 50,000 jobs into one answer. What is no
 * number goes to it as it is, and is refused there.
 */
export const clampPages: RequestHandler = (request, _response, next) => {
  const [path = "", search = ""] = request.url.split("?", 2);
  const query = new URLSearchParams(search);
  clamp(query, "page", Number.MAX_SAFE_INTEGER);
  clamp(query, "jobsPerPage", jobsPerPageAtMost);
  // Express 5 parses the query from the url each time it is asked for.
  request.url = query.size === 0 ? path : `${path}?${query}`;
  next();
};

function clamp(query: URLSearchParams, name: string, most: number): void {
  // Of a repeated parameter only the first counts: together they would be a list, which has no bounds.
  const given = query.get(name);
  if (given === null) return;
  const value = given.trim() === "" ? Number.NaN : Number(given);
  query.set(name, Number.isNaN(value) ? given : String(Math.min(most, Math.max(1, Math.trunc(value)))));
}

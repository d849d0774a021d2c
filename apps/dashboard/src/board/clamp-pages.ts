import type { RequestHandler } from "express";

const jobsPerPageAtMost = 100;

/**
 * Limits the page and the page size in a request to Bull Board, which would otherwise put 50,000 jobs into one answer. A
 * value that is not a number is passed on, and Bull Board refuses it.
 */
export const clampPages: RequestHandler = (request, _response, next) => {
  const [path = "", search = ""] = request.url.split("?", 2);
  const query = new URLSearchParams(search);
  clamp(query, "page", Number.MAX_SAFE_INTEGER);
  clamp(query, "jobsPerPage", jobsPerPageAtMost);
  // Express 5 parses the query from the url on every access.
  request.url = query.size === 0 ? path : `${path}?${query}`;
  next();
};

function clamp(query: URLSearchParams, name: string, most: number): void {
  // If a parameter is repeated, only the first one counts: several would become a list, which has no limits.
  const given = query.get(name);
  if (given === null) return;
  const value = given.trim() === "" ? Number.NaN : Number(given);
  query.set(name, Number.isNaN(value) ? given : String(Math.min(most, Math.max(1, Math.trunc(value)))));
}

import { STATUS_CODES } from "node:http";
import type { RequestHandler } from "express";

/** Turns Bull Board's errors into problem documents. Their own members stay, because its page reads them. */
export const boardProblems: RequestHandler = (_request, response, next) => {
  const json = response.json.bind(response);
  response.json = (body: unknown) => {
    if (response.statusCode < 400) return json(body);
    const status = response.statusCode;
    const title = STATUS_CODES[status] ?? "Error";
    const own = typeof body === "object" && body !== null ? body : {};
    response.type("application/problem+json");
    return json({ ...own, type: "about:blank", title, status, detail: detailOf(own) ?? title });
  };
  next();
};

function detailOf(body: object): string | undefined {
  if ("message" in body && typeof body.message === "string") return body.message;
  if (!("error" in body) || typeof body.error !== "object" || body.error === null) return undefined;
  // Translation keys, such as ERRORS.QUEUE_NOT_FOUND.
  const key = "key" in body.error ? String(body.error.key) : "";
  const words = key
    .replace(/^ERRORS\./, "")
    .replaceAll("_", " ")
    .toLowerCase();
  return words === "" ? undefined : `${words[0]?.toUpperCase()}${words.slice(1)}.`;
}

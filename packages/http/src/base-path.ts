import type { IncomingMessage, ServerResponse } from "node:http";

type AnswerRequest = (request: IncomingMessage, response: ServerResponse) => unknown;

/**
 * A handler for a site that is served below a path, such as `/reembed`, by a proxy that removes this path or keeps it:
 * `answer` never sees it. The path itself redirects to the one with a trailing slash, on which relative links depend.
 * @param basePath Without a trailing slash; empty for none.
 */
export function belowBasePath(basePath: string, answer: AnswerRequest): AnswerRequest {
  if (basePath === "") return answer;
  return (request, response) => {
    const url = request.url ?? "";
    const [path = "", ...query] = url.split("?");
    if (path === basePath) {
      response.writeHead(308, { location: [`${basePath}/`, ...query].join("?") });
      return response.end();
    }
    if (path.startsWith(`${basePath}/`)) request.url = url.slice(basePath.length);
    return answer(request, response);
  };
}

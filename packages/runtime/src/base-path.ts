import type { IncomingMessage, ServerResponse } from "node:http";

type AnswerRequest = (request: IncomingMessage, response: ServerResponse) => unknown;

/**
 * A handler for a site that people reach below a path, say `/reembed`, behind a proxy that takes this path off or hands
 * it on: `answer` sees it never. The path itself leads to the one with a slash, on which relative links stand.
 * @param basePath Without a slash at its end; empty for none.
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

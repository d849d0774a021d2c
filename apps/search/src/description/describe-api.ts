import {
  type ApiDescription,
  type ApiOperation,
  type ApiResponse,
  describedDocument,
  describedHealth,
  describeProblem,
  describeRequest,
  describeServer,
  jsonOf,
  problemSchema,
  retryAfterHeader,
  schemaRef,
} from "@reembed/http";
import { FeedbackRequest, SearchRequest } from "../answer/search-request.ts";
import { readinessSchema, rolloutSchema, searchAnswerSchema } from "./answer-schemas.ts";

const about = `Searches the profile that the rollout chooses for a subject. One address may send as many requests a minute as SEARCH_RATE_LIMIT allows.
A refusal is a problem document. What is not HTTP, or has too large a head, Node refuses by itself with 400, 408 or 431; a known path with another method is refused with 405 and \`wrong_method\`.`;

/**
 * The OpenAPI document of the search's port. Requests are described by the schemas that check them; a test holds the servers
 * to the rest.
 * @param basePath The path of its public address, such as `/search`; empty for none.
 */
export function describeApi(basePath = ""): ApiDescription {
  return describeServer({
    ...{ title: "Reembed: the search", about, basePath },
    paths: {
      "/v1/search": { post: search },
      "/v1/feedback": { post: feedback },
      "/v1/rollout": { get: rollout },
      "/readyz": { get: readiness },
      "/healthz": { get: describedHealth },
      "/metrics": { get: metrics },
      "/openapi.json": { get: describedDocument(wrongHost) },
    },
    schemas: {
      SearchRequest: describeRequest(SearchRequest),
      FeedbackRequest: describeRequest(FeedbackRequest),
      SearchAnswer: searchAnswerSchema,
      Rollout: rolloutSchema,
      Readiness: readinessSchema,
      Problem: problemSchema,
    },
    securitySchemes: {
      key: { type: "http", scheme: "bearer", description: "SEARCH_API_KEY. Without one, only loopback is served." },
    },
  });
}

const wrongHost = describeProblem(421, "Without a key, only requests to localhost, 127.0.0.1 and [::1] are answered.", {
  codes: ["wrong_host"],
});

/** What every path with a key may be refused with. */
const guarded: Record<string, ApiResponse> = {
  ...describeProblem(401, "The key is missing or wrong.", {
    codes: ["key_missing"],
    headers: { "WWW-Authenticate": { required: true, schema: { const: "Bearer" } } },
  }),
  ...wrongHost,
  ...describeProblem(429, "Too many requests in a minute.", {
    codes: ["too_many_requests"],
    headers: retryAfterHeader,
  }),
};
const needsKey: Pick<ApiOperation, "security"> = { security: [{ key: [] }, {}] };

const unreadable = ["invalid_request", "invalid_json", "not_utf8", "bad_request"];
const withBody: Record<string, ApiResponse> = {
  ...describeProblem(413, "The body is larger than 64 kB.", { codes: ["too_large"] }),
  ...describeProblem(415, "The body is not JSON, or its charset or encoding is unknown.", {
    codes: ["not_json", "bad_request"],
  }),
};
const failed = describeProblem(500, "A failure of ours, which the log names.");
const away = (codes: readonly string[] = []) =>
  describeProblem(503, "Nobody can answer now: try again.", {
    codes: ["server_away", ...codes],
    headers: retryAfterHeader,
  });

const search: ApiOperation = {
  operationId: "search",
  summary: "The chunks that answer a query, the best first",
  description: "Answers within 10 seconds or with 503.",
  ...needsKey,
  requestBody: {
    required: true,
    content: {
      "application/json": {
        schema: schemaRef("SearchRequest"),
        example: { query: "leave of absence", subject: "user-42", limit: 5, filter: { language: "ru" } },
      },
    },
  },
  responses: {
    200: { description: "The answer, which may be empty.", content: jsonOf("SearchAnswer") },
    ...describeProblem(400, "The body is wrong, there is no such profile, or its model cannot take the query.", {
      codes: [...unreadable, "profile_unknown", "query_rejected"],
    }),
    ...guarded,
    ...withBody,
    ...failed,
    ...away(["profile_missing", "profile_uncovered", "model_missing", "model_as_is"]),
  },
};

const feedback: ApiOperation = {
  operationId: "sendFeedback",
  summary: "What somebody thought of a result",
  ...needsKey,
  requestBody: {
    required: true,
    content: {
      "application/json": {
        schema: schemaRef("FeedbackRequest"),
        example: { requestId: "0199f1a2-6c1b-4d5e-8f90-1a2b3c4d5e6f", chunkId: 17, kind: "helpful" },
      },
    },
  },
  responses: {
    204: { description: "It is stored." },
    ...describeProblem(400, "The body is wrong.", { codes: unreadable }),
    ...describeProblem(404, "No such answer, or no such result in it, is recorded.", { codes: ["answer_unknown"] }),
    ...guarded,
    ...withBody,
    ...failed,
    ...away(),
  },
};

const rollout: ApiOperation = {
  operationId: "rollout",
  summary: "Both profiles, and whom each one answers",
  ...needsKey,
  responses: {
    200: { description: "The rollout as this process follows it.", content: jsonOf("Rollout") },
    ...guarded,
    ...failed,
    ...away(),
  },
};

const readiness: ApiOperation = {
  operationId: "readiness",
  summary: "Whether the database and the models answer",
  description: "Without a key on OPERATIONS_PORT, which only your network should reach.",
  ...needsKey,
  responses: {
    200: { description: "They do.", content: jsonOf("Readiness") },
    ...guarded,
    503: { description: "One does not.", content: jsonOf("Readiness") },
  },
};

const metrics: ApiOperation = {
  operationId: "metrics",
  summary: "Metrics, in the text format of Prometheus",
  description: "Needs no key; also on OPERATIONS_PORT.",
  responses: {
    200: { description: "Metrics.", content: { "text/plain": { schema: { type: "string" } } } },
    500: { description: "They cannot be read.", content: { "text/plain": { schema: { type: "string" } } } },
  },
};

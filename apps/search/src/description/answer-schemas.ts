import type { JsonSchema } from "@reembed/http";

/** An object with exactly these members. */
function exactly(properties: Record<string, JsonSchema>): JsonSchema {
  return { type: "object", properties, required: Object.keys(properties), additionalProperties: false };
}

const id = { type: "integer", minimum: 0 };
const text = { type: "string" };
const share = { type: "number", minimum: 0, maximum: 100 };

const result = exactly({
  chunkId: id,
  sourceId: {
    description:
      "The key of the application's row as text; several texts for several columns. Null for a chunk that was cut anew.",
    anyOf: [text, { type: "array", items: text }, { type: "null" }],
  },
  documentId: { type: ["integer", "null"], description: "Null if the document of an adopted row is unknown." },
  uri: text,
  title: text,
  metadata: { type: "object", description: "Those of the application's row, or else of the document." },
  start: { ...id, description: "The chunk's place in its document, [start, end) in code points." },
  end: id,
  content: text,
  score: { type: "number", maximum: 1, description: "Cosine similarity. Two models are on different scales." },
});

/** The body of `POST /v1/search`. */
export const searchAnswerSchema = exactly({
  requestId: { type: "string", format: "uuid", description: "For feedback." },
  profile: { type: "string", description: "Which profile has answered." },
  tookMs: { type: "number", minimum: 0 },
  results: { type: "array", items: result, maxItems: 200 },
});

const profile = exactly({
  name: text,
  model: text,
  dimensions: { type: "integer", minimum: 1 },
  chunking: text,
  limit: { type: "integer", description: "The most results of a search that asks for no number." },
  threshold: { type: "number", description: "The least score of a search that asks for none." },
  coverage: { type: "number", minimum: 0, maximum: 1, description: "The share of chunks that are embedded." },
});
const profileOrNull = { anyOf: [profile, { type: "null" }] };

/** The body of `GET /v1/rollout`. */
export const rolloutSchema = exactly({
  stage: { enum: ["baseline", "shadow", "canary", "full", "rolled back"] },
  percent: { ...share, description: "The share of subjects that the candidate answers." },
  shadowPercent: { ...share, description: "The share of the baseline's requests that the candidate answers unseen." },
  baseline: profileOrNull,
  candidate: profileOrNull,
});

/** The body of `GET /readyz`. */
export const readinessSchema = exactly({
  ready: { type: "boolean" },
  checks: { type: "object", additionalProperties: { type: "string", description: "`ok`, or what is wrong." } },
});

import { version } from "@reembed/runtime/version";
import { z } from "zod";

/** JSON Schema 2020-12, the dialect of OpenAPI 3.1. */
export type JsonSchema = Readonly<Record<string, unknown>>;

export interface ApiResponse {
  description: string;
  headers?: Record<string, { description?: string; required?: boolean; schema: JsonSchema }>;
  /** By content type. None for an answer without a body. */
  content?: Record<string, { schema: JsonSchema }>;
}

export interface ApiOperation {
  operationId: string;
  summary: string;
  description?: string;
  /** One of these is enough; an empty one says that a request may come without. */
  security?: Record<string, string[]>[];
  parameters?: {
    name: string;
    in: "path" | "query";
    required: boolean;
    schema: JsonSchema;
    description?: string;
    example?: string;
  }[];
  requestBody?: { required: true; content: Record<string, { schema: JsonSchema; example: unknown }> };
  responses: Record<string, ApiResponse>;
}

/** An OpenAPI document, as far as ours use it. */
export interface ApiDescription {
  openapi: "3.1.0";
  info: { title: string; version: string; description: string; license: { name: string; identifier: string } };
  servers: { url: string }[];
  paths: Record<string, Partial<Record<"get" | "post", ApiOperation>>>;
  components: {
    schemas: Record<string, JsonSchema>;
    securitySchemes: Record<string, Readonly<Record<string, string>>>;
  };
}

/**
 * The document of a server.
 * @param basePath The path of its public address, such as `/search`; empty for none.
 */
export function describeServer({
  title,
  about,
  basePath,
  paths,
  ...components
}: { title: string; about: string; basePath: string; paths: ApiDescription["paths"] } & ApiDescription["components"]) {
  return {
    openapi: "3.1.0",
    info: {
      ...{ title, version, description: about },
      license: { name: "Apache License 2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: basePath || "/" }],
    paths,
    components,
  } as const satisfies ApiDescription;
}

/** A reference to one of `components.schemas`. */
export function schemaRef(name: string): JsonSchema {
  return { $ref: `#/components/schemas/${name}` };
}

/** The content of an answer in JSON that has one of `components.schemas`. */
export function jsonOf(name: string): NonNullable<ApiResponse["content"]> {
  return { "application/json": { schema: schemaRef(name) } };
}

/** What a client may send, from the schema that checks it. A check in code alone has to be told with `meta`. */
export function describeRequest(schema: z.ZodType): JsonSchema {
  const { $schema: _, ...described } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return described;
}

/** `components.schemas.Problem`, to which `describeProblem` refers. */
export const problemSchema: JsonSchema = {
  description: "A problem document (RFC 9457).",
  type: "object",
  properties: {
    type: { const: "about:blank" },
    title: { type: "string", description: "The title of the status in RFC 9110." },
    status: { type: "integer" },
    detail: { type: "string", minLength: 1, description: "What is wrong, a sentence for a person." },
    code: { type: "string", description: "What is wrong, for programs." },
  },
  required: ["type", "title", "status", "detail"],
  additionalProperties: false,
};

/**
 * An answer that refuses a request.
 * @param codes The values of `code` that a program may meet; without them, any.
 */
export function describeProblem(
  status: number,
  description: string,
  { codes = [], headers }: { codes?: readonly string[] } & Pick<ApiResponse, "headers"> = {},
): Record<string, ApiResponse> {
  const properties = { status: { const: status }, ...(codes.length === 0 ? {} : { code: { enum: codes } }) };
  const schema = { ...schemaRef("Problem"), properties };
  return {
    [status]: { description, ...(headers && { headers }), content: { "application/problem+json": { schema } } },
  };
}

/** How long a client waits before it asks again. */
export const retryAfterHeader = {
  "Retry-After": { description: "Seconds to wait.", required: true, schema: { type: "string", pattern: "^[0-9]+$" } },
} as const;

const healthText = { "text/plain": { schema: { type: "string", pattern: "^ok, Reembed " } } };

/** `GET /healthz` of every port. */
export const describedHealth: ApiOperation = {
  operationId: "health",
  summary: "Whether the process runs, and its version",
  description: "Needs no key.",
  responses: { 200: { description: "It runs.", content: healthText } },
};

/**
 * `GET /openapi.json` of every port.
 * @param refusals What it may be refused with.
 */
export function describedDocument(refusals: ApiOperation["responses"]): ApiOperation {
  return {
    operationId: "description",
    summary: "This document",
    description: "Needs no key, because it is the same in every installation.",
    responses: {
      200: { description: "An OpenAPI document.", content: { "application/json": { schema: { type: "object" } } } },
      ...refusals,
    },
  };
}

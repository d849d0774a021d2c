import type { ApiDescription, ApiOperation, JsonSchema } from "@reembed/http";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect } from "vitest";

/** An operation of a document, ready to hold answers to. */
export interface DescribedOperation {
  /** `POST /v1/search` */
  name: string;
  /** `post` */
  method: string;
  /** `/v1/search` */
  path: string;
  operation: ApiOperation;
  /** The schema and the example of its body, if it takes one. */
  body: { type: string; schema: JsonSchema; example: unknown } | undefined;
  /** Whether the document allows this body. */
  allows(body: unknown): boolean;
  /** What about an answer the document does not say; empty if it says all of it. */
  complaints(response: Response): Promise<string[]>;
}

/** Compiles every schema of a document. */
export function openDescription(description: ApiDescription): DescribedOperation[] {
  const ajv = new Ajv2020({ allErrors: true, strict: true, strictRequired: false, strictTypes: false });
  ajv.addFormat("uuid", /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i);
  ajv.addVocabulary(["example", "components"]);
  const root = "openapi.json";
  ajv.addSchema({ $id: root, components: description.components });
  // A reference is written from the document, which is the base of every schema here.
  const compile = (schema: JsonSchema) =>
    ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', `"${root}#/components/`)));
  return Object.entries(description.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => {
      const [type, described] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
      const body =
        type === undefined || described === undefined
          ? undefined
          : { type, schema: resolve(description, described.schema), example: described.example };
      const isAllowed = body === undefined ? () => true : compile(body.schema);
      const checks = new Map(
        Object.entries(operation.responses).flatMap(([status, { content = {} }]) =>
          Object.entries(content).map(([type, { schema }]) => [`${status} ${type}`, compile(schema)] as const),
        ),
      );
      const complaints = async (response: Response): Promise<string[]> => {
        const described = operation.responses[response.status];
        const text = await response.text();
        if (described === undefined) return [`status ${response.status} is not described: ${text}`];
        const missing = Object.entries(described.headers ?? {})
          .filter(([name, { required }]) => required && !response.headers.has(name))
          .map(([name]) => `the header ${name} is missing`);
        if (described.content === undefined) return text === "" ? missing : [...missing, `a body: ${text}`];
        const type = response.headers.get("content-type")?.split(";")[0] ?? "";
        const check = checks.get(`${response.status} ${type}`);
        if (check === undefined) return [...missing, `${type} is not described for ${response.status}`];
        if (check(type.endsWith("json") ? JSON.parse(text) : text)) return missing;
        return [...missing, `${ajv.errorsText(check.errors)}: ${text}`];
      };
      const name = `${method.toUpperCase()} ${path}`;
      return { name, method, path, operation, body, allows: (given) => isAllowed(given) === true, complaints };
    }),
  );
}

/** Holds an answer to its description. The status is any that is described, unless one is given. */
export async function expectDescribed(
  { name, complaints }: DescribedOperation,
  response: Response,
  status: number = response.status,
): Promise<void> {
  expect([name, response.status]).toEqual([name, status]);
  expect([name, await complaints(response)]).toEqual([name, []]);
}

/** A schema with its references replaced, so that requests can be made of it. */
function resolve(description: ApiDescription, schema: JsonSchema): JsonSchema {
  const name = typeof schema.$ref === "string" ? schema.$ref.replace("#/components/schemas/", "") : undefined;
  return name === undefined ? schema : (description.components.schemas[name] ?? schema);
}

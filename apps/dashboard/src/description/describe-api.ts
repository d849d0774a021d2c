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
} from "@reembed/http";
import type { z } from "zod";
import { StartForm } from "../steering/backfill-step.ts";
import { BoundForm } from "../steering/bound-step.ts";
import { DecisionForm } from "../steering/decision-form.ts";
import { shares } from "../steering/rollout-step.ts";

const about = `The steps of a migration, for scripts with a token of \`reembed token create\`. Each is shown by GET and taken by POST, and is a page at the same address for a person who has logged in. All other addresses of this port are pages.
A refusal is a problem document with the words of the guard. What is not HTTP, or has too large a head, Node refuses by itself with 400, 408 or 431.`;

/**
 * The OpenAPI document of what scripts use on the dashboard's port. Forms are described by the schemas that check them; a
 * test holds the server to the rest.
 * @param basePath The path of its public address, such as `/reembed`; empty for none.
 */
export function describeApi(basePath = ""): ApiDescription {
  const start = { ...DecisionForm.shape, ...StartForm.partial().shape };
  return describeServer({
    ...{ title: "Reembed: the steps of a migration", about, basePath },
    paths: {
      "/steer/backfill/{profile}/{action}": step("Backfill", "a profile's backfill", {
        parameters: [profile, oneOf("action", ["start", "pause", "resume"])],
        form: DecisionForm.extend(start),
        example: { order: "newest", until: 50, rate: "" },
        more: " Starting needs `order`, `until` and `rate`.",
      }),
      "/steer/index/{profile}": step("Index", "the building of a profile's index", { parameters: [profile] }),
      "/steer/verification/{profile}": step("Verification", "a profile's verification", { parameters: [profile] }),
      "/steer/rollout/{action}": step("Rollout", "the rollout", {
        parameters: [oneOf("action", ["shadow", ...shares.map(String), "rollback"])],
      }),
      "/steer/bounds/{name}": step("Bound", "a bound of `reembed set`", {
        parameters: [named("name", "BATCH_SIZE", "A name that `reembed set` lists.")],
        form: DecisionForm.extend(BoundForm.shape),
        example: { value: "32" },
      }),
      "/steer/quarantine/{profile}": step("Retry", "embedding quarantined chunks again", {
        parameters: [
          profile,
          {
            ...asked("reason", { type: "string", minLength: 1, maxLength: 200 }),
            description: "All with this reason.",
          },
          { ...asked("chunkId", { type: "integer", minimum: 1 }), description: "This one; not with `reason`." },
        ],
      }),
      "/healthz": { get: describedHealth },
      "/openapi.json": { get: describedDocument(wrongHost) },
    },
    schemas: { Step: stepSchema, Done: doneSchema, Problem: problemSchema },
    securitySchemes: {
      token: { type: "http", scheme: "bearer", description: "A token with the role operator or admin." },
    },
  });
}

type Parameter = NonNullable<ApiOperation["parameters"]>[number];

function named(name: string, example: string, description: string): Parameter {
  return { name, in: "path", required: true, schema: { type: "string", minLength: 1 }, description, example };
}

function oneOf(name: string, values: [string, ...string[]]): Parameter {
  return { name, in: "path", required: true, schema: { enum: values }, example: values[0] };
}

function asked(name: string, schema: Parameter["schema"]): Parameter {
  return { name, in: "query", required: false, schema };
}

const profile = named("profile", "bge-m3", "The name of a profile.");
const stepSchema = {
  type: "object",
  properties: {
    title: { type: "string" },
    effects: { type: "array", items: { type: "string" }, description: "What will be done, a sentence each." },
    objections: { type: "array", items: { type: "string" }, description: "Why it would be refused now." },
    seen: { type: "string", description: "What it starts from, to be sent with the step." },
  },
  required: ["title", "effects", "objections", "seen"],
  additionalProperties: false,
} as const;
const doneSchema = {
  type: "object",
  properties: { done: { type: "string", description: "The title of the step." } },
  required: ["done"],
  additionalProperties: false,
} as const;

const wrongHost = describeProblem(421, "Without passwords, only requests to this machine's own names are answered.");
const refusals: Record<string, ApiResponse> = {
  ...describeProblem(400, "The address or the form is wrong."),
  ...describeProblem(401, "The token is missing, unknown, revoked or expired.", {
    headers: { "WWW-Authenticate": { required: true, schema: { const: "Bearer" } } },
  }),
  ...describeProblem(
    403,
    "The token's role does not suffice, or a change comes without a token and from no page of the dashboard.",
  ),
  ...describeProblem(404, "There is no such profile, step or chunk."),
  ...describeProblem(409, "The guard holds something against it, or somebody has changed what was seen."),
  ...wrongHost,
  ...describeProblem(500, "A failure of ours, which the log names."),
  ...describeProblem(503, "A server is away or busy: try again."),
};

interface StepDescription {
  parameters: Parameter[];
  /** The fields of its form, besides those of every step. */
  form?: z.ZodType;
  example?: Record<string, string | number>;
  more?: string;
}

function step(
  name: string,
  what: string,
  { parameters, form = DecisionForm, example = {}, more = "" }: StepDescription,
): { get: ApiOperation; post: ApiOperation } {
  const security = [{ token: [] }];
  const schema = describeRequest(form);
  return {
    get: {
      operationId: `show${name}`,
      summary: `What a step of ${what} would do, and what is held against it`,
      ...{ security, parameters },
      responses: { 200: { description: "The step, not taken.", content: jsonOf("Step") }, ...refusals },
    },
    post: {
      operationId: `do${name}`,
      summary: `Takes a step of ${what}`,
      description: `It is written down under the token's name.${more}`,
      ...{ security, parameters },
      requestBody: {
        required: true,
        content: {
          "application/x-www-form-urlencoded": { schema, example: { reason: "the nightly load", ...example } },
        },
      },
      responses: {
        200: { description: "It is done.", content: jsonOf("Done") },
        ...refusals,
        ...describeProblem(413, "The form is larger than 100 kB, or has more than 1,000 fields."),
        ...describeProblem(415, "The form's charset or encoding is unknown."),
      },
    },
  };
}

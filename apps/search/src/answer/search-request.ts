import { z } from "zod";
import { Problem } from "../http/problem.ts";

const queryCharacters = 4_000;
const metadataCharacters = 2_000;

/** These complete "limit must be …": each field has one such sentence, whatever is wrong with its value. */
const mustBe = {
  limit: "must be a whole number from 1 to 200",
  threshold: "must be a number from -1 to 1",
  chunkId: "must be the chunkId of a result",
};

/** Kept as it was sent: a zod record drops a key `__proto__`, and a filter without its condition would find everything. */
const metadata = z
  .custom<Record<string, unknown>>(isObject, "must be an object")
  .refine(
    isStorable,
    `must be ${metadataCharacters} characters at most, without U+0000, half a surrogate pair, a number beyond 2^53 or more digits than a double keeps`,
  )
  .meta({
    type: "object",
    description: `What the metadata must contain, by jsonb's @>: ${metadataCharacters} characters at most as JSON, without U+0000 and half a surrogate pair, and with numbers that a double keeps, up to 2^53.`,
  });

const Filter = z.strictObject(
  { language: wellFormed(50).optional(), metadata: metadata.optional() },
  "must be an object with language, metadata or both, and nothing else",
);

/** The body of `POST /v1/search`. */
export const SearchRequest = z.strictObject(
  {
    query: text(queryCharacters).describe(
      "What is searched for. A lone surrogate is read as U+FFFD: a client that cuts a text in the middle of an emoji still gets an answer.",
    ),
    subject: wellFormed(200)
      .describe(
        "Who searches, for example a user or a tenant. The rollout always chooses the same profile for the same subject.",
      )
      .optional(),
    limit: within(z.int(mustBe.limit), 1, 200, mustBe.limit)
      .describe("The most results; without it, the profile's own.")
      .optional(),
    threshold: within(z.number(mustBe.threshold), -1, 1, mustBe.threshold)
      .describe("The least score; without it, the profile's own.")
      .optional(),
    profile: text(63)
      .describe(
        "Overrides the rollout's choice, for tests and comparisons. Such requests do not count as traffic and are not recorded.",
      )
      .optional(),
    filter: Filter.describe("Only results with this language and this metadata.").optional(),
  },
  "must be an object with query and, optionally, subject, limit, threshold, profile and filter",
);
export type SearchRequest = z.infer<typeof SearchRequest>;

/** The body of `POST /v1/feedback`. */
export const FeedbackRequest = z.strictObject(
  {
    requestId: z.uuid("must be the requestId of an answer").describe("That of the answer."),
    chunkId: z.int(mustBe.chunkId).describe("That of one of its results."),
    kind: z.enum(["helpful", "unhelpful", "clicked"], "must be helpful, unhelpful or clicked"),
  },
  "must be an object with requestId, chunkId and kind, and nothing else",
);
export type FeedbackRequest = z.infer<typeof FeedbackRequest>;

/** @throws Problem that names what is wrong without quoting anything that was sent. */
export function parseBody<Body>(schema: z.ZodType<Body>, body: unknown): Body {
  const { data, error } = schema.safeParse(body);
  if (error === undefined) return data as Body;
  const sentences = error.issues.map(({ path, message }) => `${path.slice(0, 2).join(".") || "The body"} ${message}`);
  throw new Problem(400, "invalid_request", `${[...new Set(sentences)].join("; ")}.`);
}

function within(number: z.ZodNumber, least: number, most: number, error: string) {
  return number.min(least, error).max(most, error);
}

function text(characters: number) {
  const error = `must be a text of 1 to ${characters} characters, without U+0000`;
  return (
    z
      .string(error)
      .trim()
      .min(1, error)
      .max(characters, error)
      .refine((value) => !value.includes("\0"), error)
      // For the API's description, which sees neither `trim` nor `refine`.
      .meta({ pattern: "^[^\\u0000]*$", allOf: [{ pattern: "\\S" }] })
  );
}

/** PostgreSQL has no lone surrogates, and would compare another text. */
function wellFormed(characters: number) {
  return text(characters).refine((value) => value.isWellFormed(), "must not have half of a surrogate pair");
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Whether jsonb can store it. PostgreSQL parses JSON recursively, and the limit on the length also limits the depth. A
 * lone surrogate is written as an escape, like U+0000. A number that JSON.parse would change is NaN.
 */
function isStorable(value: object): boolean {
  try {
    const json = JSON.stringify(value, (_, member: unknown) => {
      if (typeof member === "number" && !(Math.abs(member) <= Number.MAX_SAFE_INTEGER)) throw new RangeError();
      return member;
    });
    return json.length <= metadataCharacters && !/\\u(0000|d[89a-f])/.test(json);
  } catch {
    // It cannot be serialised, or is nested deeper than our own stack allows.
    return false;
  }
}

import type { JsonSchema } from "@reembed/http";
import fc from "fast-check";

/** Bodies that a schema allows, of the part of JSON Schema that our requests use. */
export function allowedBody(schema: JsonSchema): fc.Arbitrary<unknown> {
  const { type, properties, required = [], minimum, maximum, anyOf } = schema;
  if ("const" in schema) return fc.constant(schema.const);
  if (Array.isArray(schema.enum)) return fc.constantFrom(...schema.enum);
  if (Array.isArray(anyOf)) return fc.oneof(...anyOf.map(allowedBody));
  if (schema.format === "uuid") return fc.uuid();
  if (type === "string") return allowedText(schema);
  if (type === "integer") return fc.integer({ min: Number(minimum ?? 0), max: Math.min(Number(maximum), 2 ** 31 - 1) });
  if (type === "number") return fc.double({ min: Number(minimum), max: Number(maximum), noNaN: true });
  if (type === "null") return fc.constant(null);
  if (type === "object" && properties === undefined) return fc.dictionary(fc.string(), plainValue, { maxKeys: 3 });
  if (type !== "object") throw new RangeError(`No bodies are made of ${JSON.stringify(schema)}`);
  const members = Object.entries(properties as Record<string, JsonSchema>);
  return fc.record(Object.fromEntries(members.map(([name, member]) => [name, allowedBody(member)])), {
    requiredKeys: required as string[],
  });
}

/** Bodies that a schema allows with one thing changed: most of them are not allowed. */
export function changedBody(schema: JsonSchema): fc.Arbitrary<unknown> {
  const names = Object.keys((schema.properties ?? {}) as object);
  const name = fc.oneof(
    fc.constantFrom(...names),
    fc.constantFrom("__proto__", "constructor", "toString"),
    fc.string(),
  );
  return fc
    .record({ body: allowedBody(schema), name, value: fc.option(oddValue, { nil: undefined }) })
    .map(({ body, name, value }) => {
      const others = Object.entries(body as object).filter(([member]) => member !== name);
      return Object.fromEntries(value === undefined ? others : [...others, [name, value]]);
    });
}

function allowedText({ minLength = 0, maxLength = 100 }: JsonSchema): fc.Arbitrary<string> {
  const longest = "x".repeat(Number(maxLength));
  const short = fc.string({ unit: "grapheme", maxLength: 20 }).map((text) => text.slice(0, Number(maxLength)));
  const written = short.filter((text) => text.isWellFormed() && !text.includes("\0"));
  return fc.oneof(
    fc.constantFrom(longest, "отпуск", "🦀"),
    Number(minLength) === 0 ? written : written.map(withLetter),
  );
}

/** White space alone is no text. */
function withLetter(text: string): string {
  return /\S/.test(text) ? text : "a";
}

const plainValue = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null));
const oddValue = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom("", " ", "\0", "x".repeat(5_000), -1, 0.5, 1e9, 1e300, [], {}, null, "1", true),
);

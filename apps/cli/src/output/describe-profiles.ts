import { chunkingName, formatTable, type Model, type Profile } from "@reembed/core";
import { catalogueEntry } from "@reembed/migration/profiles";
import type { ProfileUse } from "@reembed/store/profiles";

/** A profile with what a database says about it. */
export interface ListedProfile extends Profile, ProfileUse {}

export function describeProfiles(profiles: readonly ListedProfile[]): string {
  return formatTable([
    ["profile", "model", "dimensions", "tokens", "chunks", "limit", "threshold", "state"],
    ...profiles.map((profile) => [
      profile.name,
      profile.model.id,
      describeDimensions(profile.model),
      `${profile.model.maxTokens}`,
      chunkingName(profile.chunking),
      `${profile.limit}`,
      `${profile.threshold}`,
      [profile.added ? "added" : "", profile.role ?? "", profile.state ?? ""].filter((word) => word !== "").join(", "),
    ]),
  ]);
}

export function describeShown(profile: ListedProfile): string {
  const { model, chunking, limit, threshold } = profile;
  const entry = catalogueEntry(model.id);
  const rows: [string, string | undefined][] = [
    ["profile", `${profile.name}${profile.role === null ? "" : `, the ${profile.role}`}`],
    [
      "state",
      profile.state ??
        (profile.added ? "added; it costs nothing until it is baseline or candidate" : "in the catalogue"),
    ],
    ["model", `${model.id} at ${model.revision}`],
    ["dimensions", describeDimensions(model)],
    ["tokens", `${model.maxTokens}`],
    ["pooling", model.endpoint === undefined ? model.pooling : undefined],
    ["query prompt", quoted(model.prompts.query)],
    ["passage prompt", quoted(model.prompts.passage)],
    ["chunks", chunkingName(chunking)],
    ["search", `${limit} results at most, of a cosine of ${threshold} or more`],
    ["server", model.endpoint?.address],
    ["price", priceOf(model)],
    ["licence", entry?.licence],
    ["sources", entry?.sources.join(`\n${" ".repeat(16)}`)],
    ["unchecked", entry === undefined || entry.unchecked.length === 0 ? undefined : entry.unchecked.join(", ")],
    ["note", entry?.note],
  ];
  return rows.flatMap(([name, value]) => (value === undefined ? [] : [`${name.padEnd(16)}${value}`])).join("\n");
}

export function describeAdded(
  profile: Profile,
  { files, leastCosine }: { files: string | null; leastCosine: number | null },
): string {
  const { name, model, chunking } = profile;
  const prompts = [model.prompts.query, model.prompts.passage].map((prompt) => quoted(prompt));
  const lines = [
    `${name} is a profile now, of ${model.id}: ${describeDimensions(model)} dimensions, ${model.maxTokens} tokens, chunks of ${chunkingName(chunking)}.`,
    `pooling    ${model.pooling}; before a query ${prompts[0]}, before a passage ${prompts[1]}`,
    ...(files === null ? [] : [`files      ${files}, revision ${model.revision}`]),
    ...(leastCosine === null ? [] : [`prepared   for the CPU; least cosine to the original ${leastCosine.toFixed(4)}`]),
    `next       CANDIDATE_PROFILE=${name} npx reembed init`,
  ];
  return lines.join("\n");
}

function describeDimensions({ dimensions, outputDimensions }: Model): string {
  return dimensions === outputDimensions ? `${dimensions}` : `${dimensions} of ${outputDimensions}`;
}

function quoted(prompt: string): string {
  return prompt === "" ? "nothing" : JSON.stringify(prompt);
}

function priceOf({ endpoint }: Model): string | undefined {
  return endpoint?.pricePerMillion === undefined ? undefined : `${endpoint.pricePerMillion} USD for a million tokens`;
}

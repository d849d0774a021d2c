import { formatBytes, formatCount } from "@reembed/core";
import type { BuiltIndex } from "@reembed/migration/index";
import type { AnnSettings } from "@reembed/store/schema";
import { type AnnBuildProgress, type AnnIndex, searchSettingName } from "@reembed/store/search";
import { describeProgress } from "./progress-line.ts";

export interface IndexStatus extends Omit<AnnIndex, "building"> {
  profile: string;
  index: string;
  building: (AnnBuildProgress & { etaSeconds: number | null }) | null;
  measured: AnnSettings | null;
}

export function describeBuilt(built: BuiltIndex): string {
  const { kind, vectors, sizeBytes, buildSeconds, sample, searchMs, searchSetting, recall10 } = built;
  const setting = searchSettingName(kind);
  const made = buildSeconds === null ? "already exists" : `was built in ${buildSeconds} s`;
  return [
    `${built.index} ${made}: ${kind}, ${formatCount(vectors)} vectors, ${formatBytes(sizeBytes)}`,
    `recall@10 ${recall10.toFixed(4)} at ${setting} ${searchSetting}, measured with ${formatCount(sample)} of its own vectors, each one excluded from its own results`,
    `a search takes ${searchMs.toFixed(1)} ms`,
    describeReach(built),
  ].join("\n");
}

const shownIds = 10;

function describeReach({ searched, sampled, unreachable, vectors }: BuiltIndex): string {
  const of = sampled
    ? `${formatCount(searched)} of ${formatCount(vectors)} vectors`
    : `each of ${formatCount(searched)} vectors`;
  if (unreachable.length === 0) return `${of} is found through the index`;
  return `of ${of}, ${describeUnreachable(unreachable)}`;
}

/** `2 are not found through the index, those of chunks 7 and 12: searches compare them exactly`. */
function describeUnreachable(chunkIds: readonly number[]): string {
  const [one] = chunkIds;
  if (chunkIds.length === 1)
    return `one is not found through the index, that of chunk ${one}: searches compare it exactly`;
  const more = chunkIds.length > shownIds ? " …" : "";
  return `${formatCount(chunkIds.length)} are not found through the index, those of chunks ${chunkIds.slice(0, shownIds).join(", ")}${more}: searches compare them exactly`;
}

export function describeStatus({
  profile,
  index,
  exists,
  valid,
  kind,
  options,
  sizeBytes,
  building,
  measured,
}: IndexStatus): string {
  const has = Object.entries(options).map(([name, value]) => `${name} ${value}`);
  const state = valid
    ? `${index}: ${[kind, ...has, formatBytes(sizeBytes)].join(", ")}`
    : exists && building === null
      ? `${index} is invalid: its build was interrupted. Run \`reembed index build\` again.`
      : `${profile} has no index: searches are exact`;
  return [
    state,
    ...(building === null ? [] : [`a build is running: ${describeProgress(building)}`]),
    ...(measured === null
      ? valid
        ? ["its recall was not measured, so searches are exact: run `reembed index build` again"]
        : []
      : [
          `recall@10 ${measured.recall10.toFixed(4)} at ${searchSettingName(measured.kind)} ${measured.searchSetting}, measured ${measured.measuredAt}`,
          ...(measured.unreachable?.length ? [describeUnreachable(measured.unreachable)] : []),
        ]),
  ].join("\n");
}

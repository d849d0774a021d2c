import { formatBytes } from "@reembed/core";
import { readBuildGround } from "@reembed/store/search";
import { localMachine } from "../index/build-and-measure.ts";
import { type BuildPlan, planBuild } from "../index/plan-build.ts";
import type { Check } from "./context.ts";
import { expectedRows } from "./expected-rows.ts";
import { type Finding, ok, warning } from "./finding.ts";

export const checkSettings: Check = async (context) => {
  const { database, server, config, registered } = context;
  if (database === undefined || server === undefined || config.databaseUrl === undefined) return [];
  const candidate = registered.find(({ name }) => name === config.candidate.name);
  const vectors = await expectedRows(context, config.candidate.name);
  if (candidate === undefined || vectors === undefined) return [];
  const ground = await readBuildGround(database, candidate);
  const plan = planBuild({ kind: "hnsw" }, candidate, { ...ground, vectors }, localMachine(ground.host));
  return [judgeIndexMemory(candidate.name, plan)];
};

/** @param plan The plan of `reembed index build` if all chunks were embedded. */
export function judgeIndexMemory(
  profile: string,
  { memoryBytes, memorySource, neededBytes }: Pick<BuildPlan, "memoryBytes" | "memorySource" | "neededBytes">,
): Finding {
  const check = "memory for the ANN index";
  const needed = `building an HNSW index of ${profile} needs ${formatBytes(neededBytes)} of memory`;
  if (memoryBytes >= neededBytes) return ok(check, `${needed}, which is available`);
  return warning(
    check,
    `${needed}, but would get ${formatBytes(memoryBytes)} (${memorySource}): the rest of the build works on disk, several times slower`,
    `If the database's host has that much, run \`reembed index build --memory ${Math.ceil(neededBytes / 2 ** 20)}\`, or raise maintenance_work_mem; a container also needs as much --shm-size.`,
  );
}

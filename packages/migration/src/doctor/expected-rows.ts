import { readTableBytes } from "@reembed/store/diagnosis";
import { readChunkTotals } from "@reembed/store/progress";
import { embeddingsPartition } from "@reembed/store/schema";
import { hnswBytes, vectorBytes } from "../estimate/sizes.ts";
import type { DoctorContext } from "./context.ts";

/** Number of chunks that will get vectors: the existing ones or the estimate; undefined if neither is known. */
export async function expectedRows({ database, registered }: DoctorContext, name: string): Promise<number | undefined> {
  const profile = registered.find((one) => one.name === name);
  if (database === undefined || profile === undefined) return undefined;
  const { count } = await readChunkTotals(database, profile);
  const estimated = Number(profile.estimate?.chunks ?? 0);
  const rows = Math.max(count, estimated);
  return rows === 0 ? undefined : rows;
}

/** The disk space that a profile still needs. */
export async function expectedBytes(context: DoctorContext, name: string): Promise<number | undefined> {
  const { config, plannedChunks } = context;
  if (plannedChunks !== undefined && name === config.candidate.name) {
    return bytesOf(plannedChunks, config.candidate.model.dimensions, config);
  }
  const rows = await expectedRows(context, name);
  const profile = context.registered.find((one) => one.name === name);
  if (context.database === undefined || rows === undefined || profile === undefined) return undefined;
  const there = await readTableBytes(context.database, embeddingsPartition(name));
  return Math.max(0, bytesOf(rows, profile.dimensions, config) - there);
}

/** The embedded database has no ANN index. */
function bytesOf(rows: number, dimensions: number, { databaseUrl }: DoctorContext["config"]): number {
  return vectorBytes(rows, dimensions) + (databaseUrl === undefined ? 0 : hnswBytes(rows, dimensions));
}

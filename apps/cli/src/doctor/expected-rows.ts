import { embeddingsPartition, readChunkTotals, readTableBytes } from "@reembed/store";
import { hnswBytes, vectorBytes } from "../estimate/sizes.ts";
import type { DoctorContext } from "./context.ts";

/** Chunks that a profile will have vectors for: those that are cut, or what was estimated; undefined while none is known. */
export async function expectedRows({ database, registered }: DoctorContext, name: string): Promise<number | undefined> {
  const profile = registered.find((one) => one.name === name);
  if (database === undefined || profile === undefined) return undefined;
  const { count } = await readChunkTotals(database, profile);
  const estimated = Number(profile.estimate?.chunks ?? 0);
  const rows = Math.max(count, estimated);
  return rows === 0 ? undefined : rows;
}

/** What a profile will yet take on the database's disk. */
export async function expectedBytes(context: DoctorContext, name: string): Promise<number | undefined> {
  const rows = await expectedRows(context, name);
  const profile = context.registered.find((one) => one.name === name);
  if (context.database === undefined || rows === undefined || profile === undefined) return undefined;
  const index = context.config.databaseUrl === undefined ? 0 : hnswBytes(rows, profile.dimensions);
  const there = await readTableBytes(context.database, embeddingsPartition(name));
  return Math.max(0, vectorBytes(rows, profile.dimensions) + index - there);
}

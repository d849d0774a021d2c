import { setTimeout as delay } from "node:timers/promises";
import { storeDocuments } from "@reembed/store/corpus";
import type { Database } from "@reembed/store/database";
import { type NativePostgres, type NativeRedis, waitFor } from "@reembed/testing";
import { sql } from "drizzle-orm";
import { endFleetSessions, type Fleet } from "../test/fleet.ts";
import type { Random } from "./random.ts";

/** The state of a soak. Worker 0 is never ended, because its memory is watched from beginning to end. */
export interface Scene {
  database: Database;
  postgres: NativePostgres;
  redis: NativeRedis;
  fleet: Fleet;
  random: Random;
  /** The documents' uris are 0 to this number less 1. */
  documents: number;
  /** Indexes of workers that may be ended. */
  expendable: number[];
}

export type Fault = (scene: Scene) => Promise<void>;

/** Faults by the name under which they are printed and counted. The first ones are normal use. */
export const faults: Record<string, Fault> = {
  "edit documents": async ({ database, random, documents }) => {
    for (let count = 0; count < 15; count++) await write(database, random.below(documents), random.below(1_000_000));
  },
  "add documents": async (scene) => {
    for (let count = 0; count < 15; count++) await write(scene.database, scene.documents++, 0);
  },
  "delete documents": async ({ database, random, documents }) => {
    for (let count = 0; count < 5; count++) {
      await database.execute(sql`delete from reembed.documents where uri = ${`${random.below(documents)}`}`);
    }
  },
  "blank a document": async ({ database, random, documents }) => {
    const uri = `${random.below(documents)}`;
    await storeDocuments(database, [{ uri, title: "", language: "ru", body: " ".repeat(700), metadata: {} }]);
  },
  "kill a worker": async (scene) => {
    await scene.fleet.killWorker(takeWorker(scene));
    addWorker(scene);
  },
  "terminate a worker": async (scene) => {
    const index = takeWorker(scene);
    // A worker that is still starting has no work, and is ended by the signal itself.
    const isReady = () => scene.fleet.hasLogged(index, "worker ready");
    await waitFor("the worker to be ready", isReady);
    const code = await scene.fleet.stopWorker(index);
    if (code !== 0) throw new Error(`A worker ended with ${code} after SIGTERM`);
    addWorker(scene);
  },
  "pause a worker for longer than locks last, and continue it": async ({ fleet, expendable, random }) => {
    const index = expendable[random.below(expendable.length)] ?? 1;
    fleet.signalWorker(index, "SIGSTOP");
    await delay(4_000);
    fleet.signalWorker(index, "SIGCONT");
  },
  "PostgreSQL hangs for a while": async ({ postgres }) => freezeFor(7_000, postgres),
  "Redis hangs for a while": async ({ redis }) => freezeFor(7_000, redis),
  "PostgreSQL is killed while Redis comes back without its data": async ({ postgres, redis }) => {
    await redis.kill();
    await Promise.all([postgres.kill(), redis.restart({ keepData: false })]);
    await postgres.restart();
  },
  "cut all database sessions": async ({ postgres }) => void (await endFleetSessions(postgres.connectionString)),
  "kill and restart PostgreSQL": async ({ postgres }) => {
    await postgres.kill();
    await postgres.restart();
  },
  "restart Redis with its data": async ({ redis }) => redis.restart(),
  "kill and restart Redis without its data": async ({ redis }) => {
    await redis.kill();
    await redis.restart({ keepData: false });
  },
};

export function body(document: number, version: number): string {
  const parts = Array.from({ length: 3 }, (_, part) =>
    `документ ${document} часть ${part} версия ${version} `.repeat(18),
  );
  return parts.join("\n\n");
}

async function write(database: Database, document: number, version: number): Promise<void> {
  const text = { title: "", language: "ru", body: body(document, version), metadata: {} };
  await storeDocuments(database, [{ uri: `${document}`, ...text }]);
}

async function freezeFor(ms: number, server: NativePostgres | NativeRedis): Promise<void> {
  server.freeze();
  await delay(ms);
  server.thaw();
}

function takeWorker({ expendable, random }: Scene): number {
  const [index] = expendable.splice(random.below(expendable.length), 1);
  if (index === undefined) throw new RangeError("No worker may be ended");
  return index;
}

function addWorker({ fleet, expendable }: Scene): void {
  expendable.push(fleet.addWorker());
}

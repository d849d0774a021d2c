import {
  adoptedProfile,
  applicationColumns,
  beginAdoption,
  describeOnEachServer,
  followingProfile,
  openTestDatabase,
} from "@reembed/testing";
import { expect, onTestFinished, test } from "vitest";
import { takeChanges } from "../changes/change-log.ts";
import { type Database, openDatabase } from "../database/database.ts";
import { readIdentity } from "../database/identity.ts";
import { migrateDatabase } from "../database/migrate.ts";
import { readOtherInstallations } from "../discovery/installations.ts";
import { createExposure, planExposure, readExposures } from "../exposure/exposure.ts";
import { readProfile } from "../profiles/profiles.ts";
import { registerProfiles } from "../registration/registration.ts";
import { readInventory } from "../uninstall/inventory.ts";
import { removeEverything } from "../uninstall/uninstall.ts";
import { releaseAdoption } from "./adoption-release.ts";
import { checkSource } from "./adoption-source.ts";
import { takeOver } from "./adoption-takeover.ts";
import { copyVectors } from "./adoption-vectors.ts";

const profiles = [adoptedProfile, followingProfile];
const elsewhere = "reembed_elsewhere";

/** The chunks whose change waits in an installation, by the key of their document. */
async function changed(database: Database): Promise<string[]> {
  await takeChanges(database);
  const { rows } = await database.$client.query(`
    select distinct t.document_id from reembed.chunk_changes ch join public.document_chunks t on t.id = ch.chunk_id order by 1`);
  return rows.map(({ document_id }) => document_id);
}

describeOnEachServer(
  "two installations that adopt one table",
  (open) => {
    const begin = async () => {
      const servers = await open();
      const begun = await beginAdoption(servers, { ownRole: false });
      const other = await openTestDatabase({ ...servers, schema: elsewhere }, profiles);
      onTestFinished(() => other.$client.end());
      const own = (document: string) => ({ ...applicationColumns, where: `document_id = '${document}'` });
      await begun.adopt({ ...own("alpha"), chunks: "keep" });
      await takeOver(other, adoptedProfile, await checkSource(other, { ...own("beta"), chunks: "keep" }), {
        vectors: true,
      });
      await registerProfiles(other, profiles);
      while ((await copyVectors(other, adoptedProfile.name, 5)) !== undefined);
      return { ...begun, other };
    };

    test("each follow their own rows, and know of each other", async () => {
      const { database, other, query } = await begin();
      const vectors = `select distinct t.document_id from reembed.chunk_embeddings e join public.document_chunks t on t.id = e.chunk_id`;
      expect((await database.$client.query(vectors)).rows).toEqual([{ document_id: "alpha" }]);
      expect((await other.$client.query(vectors)).rows).toEqual([{ document_id: "beta" }]);
      await query("update document_chunks set content = content || ' edited' where document_id = 'alpha'");
      expect([await changed(database), await changed(other)]).toEqual([["alpha"], []]);
      await query("update document_chunks set content = content || ' edited'");
      expect([await changed(database), await changed(other)]).toEqual([["alpha"], ["beta"]]);
      await query("update document_chunks set document_id = 'beta' where document_id = 'alpha'");
      await takeChanges(database);
      await database.$client.query("select reembed.remove_gone(1000)");
      expect((await database.$client.query(vectors)).rows).toEqual([]);

      const tables = ["public.document_chunks"];
      expect(await readOtherInstallations(database)).toEqual([{ schema: elsewhere, tables }]);
      expect(await readOtherInstallations(other)).toEqual([{ schema: "reembed", tables }]);
      expect(await readIdentity(database)).not.toBe(await readIdentity(other));
    });

    test("are exposed, released and removed without the other", async () => {
      const { database, other, query } = await begin();
      for (const one of [database, other]) {
        const { source, ...profile } = await readProfile(one, adoptedProfile.name);
        if (source === null) throw new TypeError("It was adopted");
        const { dimensions: baselineDimensions } = profile;
        await createExposure(
          one,
          await planExposure(one, { ...profile, source }, { type: "vector", baselineDimensions }),
          [],
        );
      }
      const name = adoptedProfile.name.replaceAll("-", "_");
      expect(await readExposures(database)).toMatchObject([{ schema: `reembed_${name}` }]);
      expect(await readExposures(other)).toMatchObject([{ schema: `${elsewhere}_${name}` }]);
      expect(await readInventory(database, { queueSchema: undefined })).toMatchObject({
        schemas: ["reembed", `reembed_${name}`],
        tables: [{ triggers: ["reembed_delete", "reembed_edit", "reembed_insert", "reembed_truncate"] }],
      });

      const found = await readInventory(other, { queueSchema: undefined });
      expect(found).toMatchObject({
        schemas: [elsewhere, `${elsewhere}_${name}`],
        functions: [`${elsewhere}_profile(text)`],
      });
      await removeEverything(other, found);
      expect(await query("select nspname from pg_namespace where nspname ~ '^reembed' order by 1")).toEqual([
        { nspname: "reembed" },
        { nspname: `reembed_${name}` },
      ]);
      await query("update document_chunks set content = content || ' edited'");
      expect(await changed(database)).toEqual(["alpha"]);

      await migrateDatabase(other);
      await registerProfiles(other, profiles);
      await takeOver(other, adoptedProfile, await checkSource(other, applicationColumns), { vectors: false });
      await releaseAdoption(database, (await readProfile(database, adoptedProfile.name)).chunking);
      expect(await query("select tgname from pg_trigger where tgname ~ '^reembed' order by 1")).toEqual(
        ["delete", "edit", "insert", "truncate"].map((kind) => ({ tgname: `${elsewhere}_${kind}` })),
      );
      await query("update document_chunks set content = content || ' again' where document_id = 'gamma'");
      expect(await changed(other)).toEqual(["gamma"]);
    });

    test("do not begin in a schema with something else in it", async () => {
      const { database } = await begin();
      await database.$client.query("create schema reembed_taken create table of_an_application (id int)");
      const { connectionString } = database.$client.options;
      const taken = openDatabase({
        connectionString: connectionString ?? "",
        schema: "reembed_taken",
        maxConnections: 1,
      });
      onTestFinished(() => taken.$client.end());
      await expect(migrateDatabase(taken)).rejects.toMatchObject({ code: "schema_taken", exitCode: 3 });
    });
  },
  ["embedded", "PostgreSQL"],
);

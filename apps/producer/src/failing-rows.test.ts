import { EmbedQueue } from "@reembed/queue";
import { readQuarantined } from "@reembed/store/embeddings";
import { readProfile } from "@reembed/store/profiles";
import { readCoverage } from "@reembed/store/progress";
import { adoptedProfile, applicationColumns, beginAdoption, describeOnOneServer } from "@reembed/testing";
import { expect, test } from "vitest";
import { settings } from "../test/tick-fixture.ts";
import { tick } from "./tick.ts";

const position = "coalesce(nullif(tenant, 'acme'), '0')::int";

describeOnOneServer("a tick over an adopted table", (open) => {
  test("puts a row in quarantine on which an expression fails, enqueues the others, and enqueues it when it is corrected", async () => {
    const servers = await open();
    const { database, query, adopt } = await beginAdoption(servers, { ownRole: false });
    await adopt({ ...applicationColumns, position });
    await using queue = new EmbedQueue(servers.queue, adoptedProfile.name, () => {});
    const makeTick = async () => await tick(database, queue, adoptedProfile.name, settings);
    const profile = await readProfile(database, adoptedProfile.name);
    await query("update document_chunks set tenant = 'none' where id = 2");
    await query("update document_chunks set content = 'edited' where id in (1, 3)");
    expect(await makeTick()).toMatchObject({ changes: 2, state: "enqueuing" });
    expect(await readQuarantined(database, profile, { limit: 10 })).toMatchObject([
      {
        chunkId: 2,
        reason: "expression_failed",
        detail: `--position ${position} fails on row 2: invalid input syntax for type integer: "none".`,
      },
    ]);
    expect(await readCoverage(database, profile)).toMatchObject({ quarantined: 1, changes: 2 });

    await query("update document_chunks set tenant = 'acme' where id = 2");
    expect(await makeTick()).toMatchObject({ changes: 1 });
    expect(await readCoverage(database, profile)).toMatchObject({ quarantined: 0, changes: 3 });
  });
});

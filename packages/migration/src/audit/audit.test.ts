import { withPercent } from "@reembed/core";
import { recordChange } from "@reembed/store/operators";
import { changeRollout, ensureRollout, readRollout } from "@reembed/store/rollout";
import { describeOnOneServer, openTestDatabase, testProfile } from "@reembed/testing";
import { expect, test } from "vitest";
import { readAudit } from "./audit.ts";

describeOnOneServer("the audit", (open) => {
  test("has changes of the rollout and of everything else in one list, newest first", async () => {
    await using database = await openTestDatabase(await open(), [testProfile("mini-m3")]);
    await ensureRollout(database, { baseline: "mini-rubert", candidate: "mini-m3" });
    const anna = { by: "anna", reason: "short texts" };
    await recordChange(database, { subject: "BATCH_SIZE", toValue: "32" }, { ...anna, as: "operator by token" });
    const rollout = await readRollout(database);
    const because = { by: "ben", as: "admin by password", reason: "tonight", overruled: { index: "built tonight" } };
    await changeRollout(database, rollout, withPercent(rollout, 10), because);
    await recordChange(database, { subject: "BATCH_SIZE", toValue: null }, anna);
    const audit = await readAudit(database, 10);
    expect(audit.map(({ at, ...entry }) => entry)).toEqual([
      { by: "anna", as: null, what: "BATCH_SIZE", from: "32", to: null, why: "short texts" },
      {
        ...{ by: "ben", as: "admin by password", what: "rollout", from: "baseline", to: "canary, 10 %" },
        why: "tonight; index overruled: built tonight",
      },
      { by: "anna", as: "operator by token", what: "BATCH_SIZE", from: null, to: "32", why: "short texts" },
    ]);
    expect((await readAudit(database, 2)).map(({ by }) => by)).toEqual(["anna", "ben"]);
  });
});

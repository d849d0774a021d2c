import { quarantineChunks, readPendingChunks } from "@reembed/store/embeddings";
import { readProfile } from "@reembed/store/profiles";
import { startBackfill } from "@reembed/store/progress";
import { registerProfiles } from "@reembed/store/registration";
import { ensureRollout } from "@reembed/store/rollout";
import {
  browserUnavailable,
  describeOnEachServer,
  findViolations,
  launchBrowser,
  readBackfillIds,
  storeBodies,
  testProfile,
} from "@reembed/testing";
import { describe, expect, test } from "vitest";
import { adminPassword, openDashboard, type TestDashboard } from "./open-dashboard.ts";

const missing = browserUnavailable();
const title = missing === undefined ? "in a browser" : `in a browser: skipped, ${missing}`;

const steps = [
  "/changes",
  "/steer/index/mini-m3",
  "/steer/verification/mini-m3",
  "/steer/quarantine/mini-m3?reason=empty_text",
  "/steer/bounds",
  "/steer/bounds/BATCH_SIZE",
  "/steer/rollout/10",
  "/steer/backfill/mini-m3/start",
];

/** A migration from `mini-rubert` to `mini-m3`, with one chunk of each in quarantine. */
async function beginMigration({ database }: TestDashboard): Promise<void> {
  await registerProfiles(database, [testProfile("mini-rubert")]);
  await ensureRollout(database, { baseline: "mini-rubert", candidate: "mini-m3" });
  await storeBodies(database, ["pay day", "leave"]);
  const profile = await startBackfill(database, await readProfile(database, "mini-m3")).then(() =>
    readProfile(database, "mini-m3"),
  );
  const pending = await readPendingChunks(
    database,
    profile,
    (await readBackfillIds(database, profile, 10)).slice(0, 1),
  );
  const reason = { reason: "empty_text", detail: "It has no text." };
  await quarantineChunks(
    database,
    profile,
    pending.map(({ id, contentHash }) => ({ chunkId: id, contentHash, ...reason })),
  );
}

describe.skipIf(missing !== undefined)(title, () => {
  describeOnEachServer(
    "the dashboard's pages",
    (open) => {
      test("begin with the stage, and are without a fault for axe, in both schemes and on a narrow screen", async () => {
        await using dashboard = await openDashboard(await open(), { password: adminPassword });
        await beginMigration(dashboard);
        await using browser = await launchBrowser();
        const faults: string[] = [];
        for (const colorScheme of ["light", "dark"] as const) {
          const viewport = { width: colorScheme === "light" ? 390 : 1_100, height: 800 };
          const page = await browser.newPage({ baseURL: dashboard.origin, colorScheme, viewport });
          const examine = async (path: string) => {
            await page.goto(path);
            const sideways = await page.evaluate<boolean>("document.body.scrollWidth > document.body.clientWidth");
            faults.push(
              ...[...(await findViolations(page)), ...(sideways ? ["sideways"] : [])].map((is) => `${path} ${is}`),
            );
          };
          await examine("/login");
          await page.getByLabel("Password").fill(adminPassword);
          await page.keyboard.press("Enter");
          await page.getByText("The migration from mini-rubert to mini-m3 is").waitFor();
          for (const path of ["/", "/quarantine/mini-m3", "/nowhere", ...steps]) await examine(path);
          await page.goto("/");
          expect(await page.locator("#stage-next").innerText()).toContain("mini-m3 has vectors of 0.0 % of its chunks");
          expect(await page.locator("[aria-current=step]").innerText()).toContain("embedding");
        }
        expect(faults).toEqual([]);
      });

      test("have steps that a keyboard alone takes: what will be done, who and why, and the overview with it", async () => {
        await using dashboard = await openDashboard(await open());
        await beginMigration(dashboard);
        await using browser = await launchBrowser();
        const page = await browser.newPage({ baseURL: dashboard.origin });
        await page.goto("/");
        await page.getByRole("link", { name: "Pause the backfill of mini-m3" }).focus();
        await page.keyboard.press("Enter");
        await page.getByRole("heading", { name: "Pause the backfill of mini-m3" }).waitFor();
        await page.getByLabel("Your name").fill("anna");
        await page.keyboard.press("Tab");
        await page.keyboard.type("the disk is full");
        await page.keyboard.press("Tab");
        await page.keyboard.press("Enter");
        await page.getByText("Paused: changes are still embedded.").waitFor();
        expect(await page.getByRole("table", { name: "Last changes by operators" }).innerText()).toContain(
          "the disk is full",
        );
      });
    },
    ["PostgreSQL"],
  );
});

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readText, readYaml, root, unknownSeries } from "./deployment-files.ts";

interface Rule {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string; runbook: string };
}

const rules = readYaml<{ groups: { rules: Rule[] }[] }>("deploy/prometheus/alerts.yaml").flatMap(({ groups }) =>
  groups.flatMap((group) => group.rules),
);
const promtool = (...args: string[]) => spawnSync("promtool", args, { cwd: root, encoding: "utf8" });
const isMissing = promtool("--version").error !== undefined;
if (isMissing && process.env.CI === "true") throw new Error("promtool is missing: run scripts/install-services.sh");

/** As the headings of a page are linked. */
function anchorsOf(page: string): string[] {
  const headings = [...readText(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => heading);
  return headings.map(
    (heading) =>
      `${page}#${heading
        .toLowerCase()
        .replaceAll(/[^\w -]/g, "")
        .replaceAll(" ", "-")}`,
  );
}

describe("the alerts", () => {
  test.each(rules)("$alert asks for metrics that Reembed exports", ({ expr }) => {
    expect(expr).toMatch(/reembed_/);
    expect(unknownSeries(expr)).toEqual([]);
  });

  test.each(rules)("$alert says what happened, and which section of the runbook to read", ({ labels, annotations }) => {
    expect(["warning", "critical"]).toContain(labels.severity);
    expect(annotations.summary).toMatch(/\.$/);
    expect(anchorsOf("docs/runbook.md")).toContain(annotations.runbook);
  });

  test.skipIf(isMissing)(
    `are raised by what they are about, and by nothing else${isMissing ? ": skipped, promtool is missing" : ""}`,
    () => {
      const tests = readText("scripts/deployment/alerts.promtool.yaml");
      expect(rules.filter(({ alert }) => !tests.includes(alert)).map(({ alert }) => alert)).toEqual([]);
      const { status, stdout, stderr } = promtool(
        "test",
        "rules",
        join(root, "scripts/deployment/alerts.promtool.yaml"),
      );
      expect(`${stdout}${stderr}`).toContain("SUCCESS");
      expect(status).toBe(0);
    },
  );
});

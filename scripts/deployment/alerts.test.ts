import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  isPromtoolMissing,
  promtool,
  readText,
  readYaml,
  root,
  unknownLabels,
  unknownSeries,
} from "./deployment-files.ts";

interface Rule {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string; runbook: string };
}

const rules = readYaml<{ groups: { rules: Rule[] }[] }>("deploy/prometheus/alerts.yaml").flatMap(({ groups }) =>
  groups.flatMap((group) => group.rules),
);

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
    expect(unknownLabels(expr)).toEqual([]);
  });

  test.each(rules)("$alert says what happened, and which section of the runbook to read", ({ labels, annotations }) => {
    expect(["warning", "critical"]).toContain(labels.severity);
    expect(annotations.summary).toMatch(/\.$/);
    expect(anchorsOf("docs/runbook.md")).toContain(annotations.runbook);
  });

  test.skipIf(isPromtoolMissing)(
    `are raised by what they are about, and by nothing else${isPromtoolMissing ? ": skipped, promtool is missing" : ""}`,
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

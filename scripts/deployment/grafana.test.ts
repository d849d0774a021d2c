import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { isPromtoolMissing, promtool, readText, unknownLabels, unknownSeries } from "./deployment-files.ts";

interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { x: number; w: number };
  datasource?: { uid: string };
  targets?: { expr: string; legendFormat: string; datasource: { uid: string } }[];
}
interface Dashboard {
  uid: string;
  templating: { list: { name: string; type: string; definition?: string }[] };
  panels: Panel[];
}

const { uid, templating, panels } = JSON.parse(readText("deploy/grafana/reembed.json")) as Dashboard;
const charts = panels.filter(({ type }) => type !== "row");

describe("the Grafana dashboard", () => {
  test.each(charts)("queries metrics that Reembed exports: $title", ({ targets = [] }) => {
    expect(targets.length).toBeGreaterThan(0);
    expect(targets.flatMap(({ expr }) => unknownSeries(expr))).toEqual([]);
    expect(targets.flatMap(({ expr }) => unknownLabels(expr))).toEqual([]);
    // A label of the legend that the query has summed over would be empty.
    for (const { expr, legendFormat } of targets) {
      const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = ""]) => label);
      for (const label of shown) expect(expr).toMatch(new RegExp(`by \\([^)]*\\b${label}\\b`));
    }
  });

  test.skipIf(isPromtoolMissing)(
    `queries in a way that Prometheus understands${isPromtoolMissing ? ": skipped, promtool is missing" : ""}`,
    async () => {
      await using folder = await mkdtempDisposable(join(tmpdir(), "reembed-"));
      const rules = charts.flatMap(({ id, targets = [] }) =>
        targets.map(({ expr }, index) => ({
          record: `panel:${id}:${index}`,
          expr: expr.replaceAll("$profile", ".*").replaceAll("$__rate_interval", "5m"),
        })),
      );
      const path = join(folder.path, "rules.yaml");
      await writeFile(path, stringify({ groups: [{ name: "panels", rules }] }));
      const { status, stdout, stderr } = promtool("check", "rules", path);
      expect(`${stdout}${stderr}`).toContain(`SUCCESS: ${rules.length} rules found`);
      expect(status).toBe(0);
    },
  );

  test("tells of the rollout and of quality in rows of their own", () => {
    const rows = panels.filter(({ type }) => type === "row").map(({ title }) => title);
    expect(rows).toEqual(["Progress", "Throughput", "Queue and failures", "Rollout", "Quality", "Embedding servers"]);
  });

  test.each(charts)("reads from the selected data source: $title", ({ datasource, targets = [] }) => {
    for (const source of [datasource, ...targets.map((target) => target.datasource)]) {
      expect(source?.uid).toBe("$" + "{datasource}");
    }
  });

  test("has a choice of data source and profile", () => {
    expect(templating.list.map(({ name, type }) => [name, type])).toEqual([
      ["datasource", "datasource"],
      ["profile", "query"],
    ]);
    expect(templating.list.flatMap(({ definition = "" }) => unknownSeries(definition))).toEqual([]);
  });

  test("has a fixed id, and panels with different ids within the grid", () => {
    expect(uid).toBe("reembed");
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { title, gridPos } of panels) expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
  });
});

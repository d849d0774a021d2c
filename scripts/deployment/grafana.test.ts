import { describe, expect, test } from "vitest";
import { readText, unknownSeries } from "./deployment-files.ts";

interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { x: number; w: number };
  datasource?: { uid: string };
  targets?: { expr: string; datasource: { uid: string } }[];
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

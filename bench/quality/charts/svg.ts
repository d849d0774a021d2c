export interface Theme {
  ink: string;
  muted: string;
  grid: string;
  bm25: string;
  baseline: string;
  candidate: string;
  wrong: string;
}

/** GitHub's colours, on GitHub's backgrounds. */
export const themes: Record<"light" | "dark", Theme> = {
  light: {
    ink: "#1f2328",
    muted: "#59636e",
    grid: "#d1d9e0",
    bm25: "#bf8700",
    baseline: "#818b98",
    candidate: "#0969da",
    wrong: "#cf222e",
  },
  dark: {
    ink: "#f0f6fc",
    muted: "#9198a1",
    grid: "#3d444d",
    bm25: "#d29922",
    baseline: "#9198a1",
    candidate: "#4493f8",
    wrong: "#f85149",
  },
};

export const systems = ["bm25", "baseline", "candidate"] as const;
export type System = (typeof systems)[number];

type Attributes = Record<string, string | number>;

export function picture(title: string, width: number, height: number, content: readonly string[]): string {
  const font = "-apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif";
  const svg = element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: "img",
      "font-family": font,
      "font-size": 12,
    },
    [element("title", {}, [escapeXml(title)]), ...content],
  );
  return `${svg}\n`;
}

export function element(name: string, attributes: Attributes, children: readonly string[] = []): string {
  const written = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${typeof value === "number" ? Number(value.toFixed(1)) : escapeXml(value)}"`)
    .join("");
  return children.length === 0 ? `<${name}${written}/>` : `<${name}${written}>${children.join("")}</${name}>`;
}

export function line(
  from: [number, number],
  to: [number, number],
  stroke: string,
  attributes: Attributes = {},
): string {
  return element("line", { x1: from[0], y1: from[1], x2: to[0], y2: to[1], stroke, ...attributes });
}

export function text(at: [number, number], content: string, fill: string, attributes: Attributes = {}): string {
  return element("text", { x: at[0], y: at[1], fill, ...attributes }, [escapeXml(content)]);
}

/** Coloured squares with names, in a row. */
export function legend(at: [number, number], names: Record<System, string>, theme: Theme): string[] {
  return systems.flatMap((system, index) => {
    const x = at[0] + 240 * index;
    const square = element("rect", { x, y: at[1] - 9, width: 10, height: 10, rx: 2, fill: theme[system] });
    return [square, text([x + 15, at[1]], names[system], theme.ink)];
  });
}

function escapeXml(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

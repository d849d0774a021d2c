import escapeHtml from "escape-html";
import type { ProfileStatus } from "./status.ts";

/** The overview as a page that loads itself anew. */
export function renderOverview(statuses: readonly ProfileStatus[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="3">
<title>Reembed</title>
<style>${styles}</style>
</head>
<body>
<header><h1>Reembed</h1><nav><a href="/board">Queues in Bull Board</a></nav></header>
<main>${statuses.map(renderProfile).join("\n") || "<p>No profile is registered yet: run <code>reembed init</code>.</p>"}</main>
</body>
</html>`;
}

function renderProfile(status: ProfileStatus): string {
  const name = escapeHtml(status.profile);
  const { queue, rate } = status;
  const facts: [string, string][] = [
    ["Chunks", count(status.chunks)],
    ["Embedded", count(status.embedded)],
    ["Pending", count(status.pending)],
    ["Changes among them", count(status.changes)],
    ["Quarantined", count(status.quarantined)],
    ["Rate", `${count(rate.chunksPerSecond)} chunks/s, ${count(rate.tokensPerSecond)} tokens/s`],
    ["Time left", status.pending === 0 ? "none" : timeLeft(status.etaSeconds)],
    ["Jobs", `${queue.waiting} waiting, ${queue.active} active, ${queue.delayed} delayed, ${queue.failed} failed`],
    ["Workers", status.workers.map((worker) => `${worker.host} (${worker.device})`).join(", ") || "none"],
  ];
  const percent = (Math.floor(1_000 * status.coverage) / 10).toFixed(1);
  return `<section aria-labelledby="${name}">
<h2 id="${name}">${name}</h2>
<p><progress max="1" value="${status.coverage}" aria-labelledby="${name}"></progress> <strong>${percent} %</strong> covered</p>
<dl>${facts.map(([term, value]) => `<div><dt>${term}</dt><dd>${escapeHtml(value)}</dd></div>`).join("")}</dl>
</section>`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en");
}

function timeLeft(seconds: number | null): string {
  if (seconds === null) return "unknown: no worker is embedding";
  if (seconds < 90) return `${seconds} s`;
  return seconds < 5_400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}

const styles = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 0 auto; padding: 1rem; }
header { display: flex; justify-content: space-between; align-items: baseline; }
section { border: 1px solid color-mix(in srgb, currentColor 25%, transparent); border-radius: .5rem; padding: 0 1rem; margin: 1rem 0; }
progress { width: min(30rem, 60%); height: 1rem; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(16rem, 1fr)); gap: .5rem 1rem; }
dt { opacity: .7; font-size: .875rem; }
dd { margin: 0; font-variant-numeric: tabular-nums; }
`;

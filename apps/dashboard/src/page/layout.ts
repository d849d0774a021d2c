import type { Role } from "../access/access.ts";
import { type Html, html } from "./html.ts";

export interface PageOptions {
  title: string;
  /** Who looks at it; without one, the page shows no way into the rest. */
  role?: Role | undefined;
  /** Whether there is a session to end. */
  canLogOut?: boolean;
  /** Scripts of `/assets` that the page runs. */
  scripts?: readonly string[];
  main: Html;
}

/** A whole page. All that it loads comes from `/assets`; nothing in it is inline, so the policy needs no exception. */
export function renderPage({ title, role, canLogOut = false, scripts = [], main }: PageOptions): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} – Reembed</title>
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/dashboard.css">
${scripts.map((name) => html`<script type="module" src="/assets/${name}"></script>\n`)}</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header>
<p class="brand">${role === undefined ? "Reembed" : html`<a href="/">Reembed</a>`}</p>
${role !== undefined && renderNavigation(role, canLogOut)}
</header>
<main id="main">
${main}
</main>
</body>
</html>
`.toString();
}

function renderNavigation(role: Role, canLogOut: boolean): Html {
  return html`<nav aria-label="Main"><a href="/">Overview</a> <a href="/board">Bull Board</a></nav>
${canLogOut && html`<form method="post" action="/logout"><button class="quiet">Log out (${role})</button></form>`}`;
}

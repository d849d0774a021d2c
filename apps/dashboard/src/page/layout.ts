import { type Html, html } from "@reembed/http/html";
import type { Response } from "express";
import type { Role } from "../access/access.ts";

export interface PageOptions {
  title: string;
  /** The role of the reader; without one, the page shows no links to other pages. */
  role?: Role | undefined;
  /** Whether there is a session that can be ended. */
  canLogOut?: boolean;
  /** Scripts from `/assets` that the page runs. */
  scripts?: readonly string[];
  main: Html;
}

/**
 * Answers with a whole page. It loads only files from `/assets` and has nothing inline, so the content security policy
 * needs no exception. Its addresses have no leading slash, so they work below any path.
 */
export function sendPage(response: Response, options: PageOptions): void {
  const { basePath } = response.app.locals;
  // With a <base>, `#main` alone would be an address of another page.
  const skip = `${basePath}${response.req.originalUrl}#main`;
  response.type("html").send(renderPage(options, { base: `${basePath}/`, skip }));
}

/** Redirects the browser to another page of the dashboard after its request was carried out. */
export function redirectTo(response: Response, path: string): void {
  response.redirect(303, `${response.app.locals.basePath}${path}`);
}

function renderPage(
  { title, role, canLogOut = false, scripts = [], main }: PageOptions,
  { base, skip }: { base: string; skip: string },
): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<base href="${base}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} – Reembed</title>
<link rel="icon" href="assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="assets/base.css">
<link rel="stylesheet" href="assets/dashboard.css">
${scripts.map((name) => html`<script type="module" src="assets/${name}"></script>\n`)}</head>
<body>
<a class="skip" href="${skip}">Skip to content</a>
<header>
<p class="brand">${role === undefined ? "Reembed" : html`<a href="./">Reembed</a>`}</p>
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
  return html`<nav aria-label="Main"><a href="./">Overview</a> <a href="board">Bull Board</a></nav>
${canLogOut && html`<form method="post" action="logout"><button class="quiet">Log out (${role})</button></form>`}`;
}

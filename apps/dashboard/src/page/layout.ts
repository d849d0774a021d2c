import { type Html, html } from "@reembed/http/html";
import type { Response } from "express";
import type { Identity } from "../access/identity.ts";

export interface PageOptions {
  title: string;
  /** Scripts from `/assets` that the page runs. */
  scripts?: readonly string[];
  main: Html;
}

/**
 * Answers with a whole page. If nobody knows yet who reads it, it has no links to other pages. It loads only files from
 * `/assets` and has nothing inline, so the content security policy needs no exception. Its addresses have no leading slash,
 * so they work below any path.
 */
export function sendPage(response: Response, options: PageOptions): void {
  const { basePath } = response.app.locals;
  // With a <base>, `#main` alone would be an address of another page.
  const skip = `${basePath}${response.req.originalUrl}#main`;
  const { identity } = response.locals;
  response.type("html").send(renderPage(options, { base: `${basePath}/`, skip, identity }));
}

/** Redirects the browser to another page of the dashboard after its request was carried out. */
export function redirectTo(response: Response, path: string): void {
  response.redirect(303, `${response.app.locals.basePath}${path}`);
}

function renderPage(
  { title, scripts = [], main }: PageOptions,
  { base, skip, identity }: { base: string; skip: string; identity: Identity | undefined },
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
<p class="brand">${identity === undefined ? "Reembed" : html`<a href="./">Reembed</a>`}</p>
${identity !== undefined && renderNavigation(identity)}
</header>
<main id="main">
${main}
</main>
</body>
</html>
`.toString();
}

function renderNavigation({ role, name, by }: Identity): Html {
  const who = name === undefined ? role : `${name}, ${role}`;
  return html`<nav aria-label="Main"><a href="./">Overview</a> <a href="changes">Changes</a> <a href="board">Bull Board</a></nav>
${by === "password" && html`<form method="post" action="logout"><button class="quiet">Log out (${who})</button></form>`}
${by === "proxy" && html`<p class="who">${who} <a href="login">Log in</a></p>`}`;
}

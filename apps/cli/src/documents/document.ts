import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf, ReembedError } from "@reembed/core";
import { sharedPublicFolder } from "@reembed/http";
import { Html, html } from "@reembed/http/html";

export interface Document {
  title: string;
  /** What it is about, when it was made and by which version. */
  about: Html;
  sections: readonly (Html | false)[];
  footer: Html;
}

/** Nothing may be loaded or run, whatever a text of the database contains. */
const policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/**
 * Writes a page in one file that needs no network: for a browser, for paper, and for a narrow screen.
 * @throws ReembedError `document_unwritable` (exit code 2).
 */
export async function writeDocument(path: string, document: Document): Promise<void> {
  const text = await renderDocument(document);
  await writeFile(path, text).catch((error: unknown) => {
    throw new ReembedError("document_unwritable", `${path} cannot be written: ${messageOf(error)}`, {
      exitCode: 2,
      remedy: "Give another file with --output.",
    });
  });
}

async function renderDocument({ title, about, sections, footer }: Document): Promise<string> {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} – Reembed</title>
<link rel="icon" href="data:,">
<style>
${await readStyles()}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${about}
${sections}
</main>
<footer>
${footer}
</footer>
</body>
</html>
`.toString();
}

/** Style sheets of our own, which contain no markup. */
async function readStyles(): Promise<Html> {
  const own = fileURLToPath(new URL("../../public", import.meta.url));
  const files = [join(sharedPublicFolder, "base.css"), join(own, "document.css")];
  return new Html((await Promise.all(files.map((file) => readFile(file, "utf8")))).join("\n"));
}

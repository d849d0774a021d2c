import { fileURLToPath } from "node:url";
import { sharedPublicFolder } from "@reembed/http";
import express, { type Router } from "express";

/** Files of libraries that pages load, as their packages ship them: without a build step, and from this host only. */
const libraryFiles = {
  "uplot.js": import.meta.resolve("uplot/dist/uPlot.esm.js"),
  "uplot.css": import.meta.resolve("uplot/dist/uPlot.min.css"),
  "idiomorph.js": import.meta.resolve("idiomorph/dist/idiomorph.esm.js"),
};

export function serveAssets(): Router {
  const router = express.Router();
  for (const [name, url] of Object.entries(libraryFiles)) {
    router.get(`/${name}`, (_, response) => response.sendFile(fileURLToPath(url), { maxAge: "1h" }));
  }
  const own = fileURLToPath(new URL("../../public", import.meta.url));
  for (const folder of [sharedPublicFolder, own]) {
    router.use(express.static(folder, { index: false, redirect: false }));
  }
  return router;
}

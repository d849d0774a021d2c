import { Idiomorph } from "./idiomorph.js";

// Morphed rather than replaced: what has the focus keeps it, and a screen reader hears only the status line.
const main = document.getElementById("main");
new EventSource("events").addEventListener("message", ({ data }) => {
  Idiomorph.morph(main, JSON.parse(data), { morphStyle: "innerHTML" });
});

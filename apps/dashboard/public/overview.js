import { Idiomorph } from "./idiomorph.js";

// The content is morphed and not replaced: the focus stays, and a screen reader announces only the status line.
const main = document.getElementById("main");
new EventSource("events").addEventListener("message", ({ data }) => {
  Idiomorph.morph(main, JSON.parse(data), { morphStyle: "innerHTML" });
});

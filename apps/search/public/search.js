import { comparePlaces, describeMove, documentOf } from "./moves.js";

const sides = ["baseline", "candidate"];
const byId = (id) => document.getElementById(id);
const form = byId("form");
const queryBox = byId("query");
const status = byId("status");
/** Of the latest search: an answer to an older one is not shown any more. */
let latest = 0;

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const url = new URL(location.href);
  url.searchParams.set("q", queryBox.value);
  history.pushState(null, "", url);
  search(queryBox.value);
});
addEventListener("popstate", searchFromAddress);
searchFromAddress();

function searchFromAddress() {
  queryBox.value = new URL(location.href).searchParams.get("q") ?? "";
  if (queryBox.value === "") showRollout().catch(say);
  else search(queryBox.value);
}

async function search(query) {
  const turn = ++latest;
  say("Searching …");
  try {
    const rollout = await showRollout();
    const answers = await Promise.all(sides.map((side) => ask(query, rollout[side])));
    if (turn === latest) show(answers);
  } catch (error) {
    if (turn === latest) say(error);
  }
}

/** One answer; a side that fails shows why, and leaves the other one alone. */
async function ask(query, profile) {
  if (profile === null) return { problem: "This profile is not registered.", results: [] };
  const body = JSON.stringify({ query, profile: profile.name });
  const answer = await send("v1/search", { method: "POST", body }).catch((error) => {
    if (error.status === 401) throw error;
    return { problem: error.message, results: [] };
  });
  return answer;
}

async function send(path, options = {}) {
  const headers = { "content-type": "application/json" };
  const key = byId("key").value;
  if (key !== "") headers.authorization = `Bearer ${key}`;
  const response = await fetch(path, { ...options, headers });
  const body = await response.json();
  if (response.ok) return body;
  if (response.status === 401) byId("key-field").hidden = false;
  throw Object.assign(new Error(body.detail), { status: response.status });
}

async function showRollout() {
  const rollout = await send("v1/rollout");
  byId("rollout").textContent = describeStage(rollout);
  for (const side of sides) {
    const profile = rollout[side];
    byId(`${side}-name`).textContent = profile?.name ?? "not registered";
    const facts = byId(side).querySelector(".facts");
    if (profile === null) facts.textContent = "";
    else {
      const covered = Math.floor(profile.coverage * 1_000) / 10;
      facts.textContent = `${profile.model} · ${profile.dimensions} dimensions · chunks of ${profile.chunking} · ${covered} % embedded`;
    }
  }
  return rollout;
}

function describeStage({ stage, percent, shadowPercent, baseline, candidate }) {
  const [before, after] = [baseline?.name ?? "The baseline", candidate?.name ?? "the candidate"];
  if (stage === "full") return `Full: ${after} answers everybody`;
  if (stage === "canary") return `Canary: ${after} answers ${percent} % of subjects`;
  if (stage === "shadow") return `Shadow: ${before} answers, ${after} is compared with ${shadowPercent} % of requests`;
  return `${stage === "rolled back" ? "Rolled back: " : ""}${before} answers everybody`;
}

function show([baseline, candidate]) {
  const places = comparePlaces(baseline.results, candidate.results);
  showSide("baseline", baseline, places.baseline);
  showSide("candidate", candidate, places.candidate);
  const common = [...places.baseline.values()].filter(([, other]) => other !== undefined).length;
  const counts = [baseline, candidate].map(({ results }) => plural(results.length, "result"));
  say(`${counts[0]} from the baseline, ${counts[1]} from the candidate; ${plural(common, "document")} in common.`);
}

function showSide(side, { problem, results, tookMs }, places) {
  const section = byId(side);
  const took = section.querySelector(".took");
  took.textContent = problem ?? `${plural(results.length, "result")} in ${Math.round(tookMs)} ms`;
  took.classList.toggle("error", problem !== undefined);
  const seen = new Set();
  const items = results.map((result) => {
    const key = documentOf(result);
    const item = renderResult(side, result, seen.has(key) ? undefined : places.get(key));
    seen.add(key);
    return item;
  });
  section.querySelector("ol").replaceChildren(...items);
}

/** Built of elements and text alone: what a document holds is never markup here. */
function renderResult(side, { title, uri, content, score, start, end }, places) {
  const head = element("div", { className: "head" }, element("h3", {}, title || "Untitled"), renderMark(side, places));
  const meter = element("span", { className: "score" }, renderBar(score), `${score.toFixed(3)}`);
  meter.prepend(element("span", { className: "hidden" }, "Score "));
  const where = element("span", { className: "muted where" }, uri, ` · ${start}–${end}`);
  const text = element("details", {}, element("summary", {}, shorten(content)), element("p", {}, content));
  return element("li", {}, head, element("div", { className: "line" }, meter, where), text);
}

function renderMark(side, places) {
  if (places === undefined) return element("span", { className: "mark again" }, "same document");
  const { kind, mark, words } = describeMove(side, places);
  const shown = element("span", { ariaHidden: "true" }, mark);
  return element(
    "span",
    { className: `mark ${kind}`, title: words },
    shown,
    element("span", { className: "hidden" }, words),
  );
}

function renderBar(score) {
  const bar = element("span", { className: "bar", ariaHidden: "true" }, element("span", {}));
  // Set by script: the policy allows no style attribute.
  bar.firstChild.style.width = `${Math.max(0, Math.min(1, score)) * 100}%`;
  return bar;
}

function element(name, properties, ...children) {
  const created = Object.assign(document.createElement(name), properties);
  created.append(...children);
  return created;
}

function shorten(text) {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > 160 ? `${line.slice(0, line.lastIndexOf(" ", 160) + 1 || 160)}…` : line;
}

function plural(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function say(what) {
  const failed = what instanceof Error;
  status.textContent = failed ? what.message : what;
  status.classList.toggle("error", failed);
}

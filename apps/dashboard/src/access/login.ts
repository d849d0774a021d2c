import { limitRate } from "@reembed/http";
import { type Html, html } from "@reembed/http/html";
import express, { type Router } from "express";
import { z } from "zod";
import { redirectTo, sendPage } from "../page/layout.ts";
import { Problem, sendProblem } from "../page/problem.ts";
import type { Access } from "./access.ts";
import { personName } from "./identity.ts";

const Credentials = z.object({
  password: z.string().max(1_000),
  name: z.union([z.literal("").transform(() => undefined), personName]).optional(),
  next: z.string().optional(),
});

/** `/login` and `/logout`. After ten wrong passwords in a minute from one address, further ones are not checked. */
export function loginRoutes(access: Access): Router {
  const router = express.Router();
  const limit = limitRate({
    perMinute: 10,
    onlyFailures: true,
    refuse: (request, response) => sendProblem(request, response, new Problem(429, "Too many tries: wait a minute.")),
  });

  router.get("/login", (request, response) => {
    if (access.session(request) !== undefined) return redirectTo(response, "/");
    const next = typeof request.query.next === "string" ? request.query.next : "/";
    sendPage(response, { title: "Log in", main: loginForm(next) });
  });
  router.post("/login", limit, express.urlencoded({ extended: false, limit: "4kb" }), (request, response) => {
    const { data, success } = Credentials.safeParse(request.body);
    if (!success) throw new Problem(400, "Send a form with one password, and the name of a person or none.");
    const { password, name, next = "/" } = data;
    const role = access.roleFor(password);
    if (role === undefined) {
      const main = loginForm(next, "No role has this password.");
      return sendPage(response.status(401), { title: "Log in", main });
    }
    access.logIn(request, response, { role, name });
    redirectTo(response, localPath(next));
  });
  router.post("/logout", (request, response) => {
    access.logOut(request, response);
    redirectTo(response, "/login");
  });
  return router;
}

function loginForm(next: string, error?: string): Html {
  return html`<h1>Log in</h1>
<form class="login" method="post" action="login">
<input type="hidden" name="next" value="${next}">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required autofocus${
    error !== undefined && html` aria-invalid="true" aria-describedby="error"`
  }>
${error !== undefined && html`<p id="error" class="error" role="alert">${error}</p>`}
<label for="name">Your name, written down with what you change; may be empty</label>
<input id="name" name="name" autocomplete="name" maxlength="100">
<button>Log in</button>
</form>`;
}

/** Accepts only a path of this dashboard: redirecting elsewhere would help phishers. */
function localPath(next: string): string {
  const base = "http://local.invalid";
  const url = URL.parse(next, base);
  // `/.//elsewhere/` is normalised to a path that, in a Location header, would mean another host.
  return url?.origin === base ? `${url.pathname.replace(/^\/+/, "/")}${url.search}` : "/";
}

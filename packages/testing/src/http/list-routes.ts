import express, { type Express, type Router } from "express";
import { vi } from "vitest";

/**
 * The routes that an app registers, such as `GET /quarantine/:profile`: those of its routers with the paths at which they
 * are mounted, and those of routers that a handler calls, as with Bull Board's, below `called`. Express does not keep the
 * path of a mounted router, so the calls that register are watched.
 */
export function listRoutes(create: () => Express, { called }: { called: string }): string[] {
  const prototype = express.Router.prototype as unknown as Router;
  const { use, route } = prototype;
  const mounted = new Map<Router, { path: string; router: Router }[]>();
  const withRoutes = new Set<Router>();
  using _use = vi.spyOn(prototype, "use").mockImplementation(function (this: Router, ...given: unknown[]) {
    const path = typeof given[0] === "string" ? given[0] : "";
    const routers = given.flat(3).filter(isRouter);
    mounted.set(this, [...(mounted.get(this) ?? []), ...routers.map((router) => ({ path, router }))]);
    return use.apply(this, given as Parameters<typeof use>);
  } as typeof use);
  using _route = vi.spyOn(prototype, "route").mockImplementation(function (this: Router, path: string) {
    withRoutes.add(this);
    return route.call(this, path);
  } as typeof route);

  const reached = new Set<Router>();
  const walk = (router: Router, prefix: string): string[] => {
    reached.add(router);
    const below = (mounted.get(router) ?? []).flatMap(({ path, router }) => walk(router, prefix + path));
    return [...ownRoutes(router, prefix), ...below];
  };
  const routes = walk(create().router, "");
  const others = [...withRoutes].filter((router) => !reached.has(router));
  routes.push(...others.flatMap((router) => ownRoutes(router, called)));
  return [...new Set(routes.map((line) => line.replace("//", "/")))].toSorted();
}

function isRouter(handler: unknown): handler is Router {
  return typeof handler === "function" && "stack" in handler;
}

function ownRoutes({ stack }: Router, prefix: string): string[] {
  return stack.flatMap(({ route }) => {
    if (route === undefined) return [];
    const methods = [...new Set(route.stack.map(({ method }) => method.toUpperCase()))];
    return [route.path].flat().flatMap((path) => methods.map((method) => `${method} ${prefix}${path}`));
  });
}

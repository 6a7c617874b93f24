/** Which methods a path allows. */
import type { FastifyInstance } from 'fastify';

export class Methods {
  private readonly routes = new Map<string, { readonly pattern: RegExp; readonly methods: Set<string> }>();

  /** Sees only routes registered after it. */
  constructor(app: FastifyInstance) {
    app.addHook('onRoute', ({ url, method }) => {
      const pattern = new RegExp(`^${url.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:\w+/g, '[^/]+')}$`);
      const route = this.routes.get(url) ?? { pattern, methods: new Set(['OPTIONS']) };
      this.routes.set(url, route);
      for (const one of [method].flat()) route.methods.add(one);
    });
  }

  /** The Allow header, or null if there is no such path. */
  of(url: string): string | null {
    const path = url.split('?', 1)[0] ?? '';
    const found = [...this.routes.values()].filter(({ pattern }) => path === '*' || pattern.test(path));
    const methods = new Set(found.flatMap(({ methods }) => [...methods]));
    return methods.size === 0 ? null : [...methods].sort().join(', ');
  }
}

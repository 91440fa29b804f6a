import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { ApiAbout, ApiCall } from './description.ts'
import { openApiDocument } from './document.ts'
import { getDocument, getPage } from './operation.ts'
import { docsPage, docsStyle } from './page.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Every route with what is said of it: undefined where nobody has described it yet. */
    readonly described: readonly { method: string; url: string; api: ApiCall | null | undefined }[]
  }
}

/** The page needs nothing from anywhere and runs nothing. */
const POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(docsStyle).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`

/**
 * GET /openapi.json and /docs: what the routes say of themselves. To be opened before the routes are, so that it sees
 * them. `about` and `serverUrl` are asked for at the first reading.
 */
export function openDescriptions(
  server: FastifyInstance,
  options: { about: ApiAbout; schemasDir: string; serverUrl: () => string },
): void {
  const routes: { method: string; url: string; api: ApiCall | null | undefined }[] = []
  server.decorate('described', routes)
  server.addHook('onRoute', ({ method, url, config }) => {
    for (const one of [method].flat()) if (one !== 'HEAD') routes.push({ method: one, url, api: config?.api })
  })

  let made: { json: string; html: string } | null = null
  const make = (): { json: string; html: string } => {
    const described = routes.flatMap(({ method, url, api }) =>
      api === undefined || api === null ? [] : [{ method, url, api }],
    )
    const document = openApiDocument(described, options.about, {
      schemasDir: options.schemasDir,
      serverUrl: options.serverUrl(),
    })
    return { json: JSON.stringify(document), html: docsPage(document) }
  }

  const headers = { 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff' }
  server.get('/openapi.json', { config: { api: getDocument } }, async (_request, reply) => {
    made ??= make()
    return reply.headers({ ...headers, 'content-type': 'application/json; charset=utf-8' }).send(made.json)
  })
  server.get('/docs', { config: { api: getPage } }, async (_request, reply) => {
    made ??= make()
    return reply
      .headers({
        ...headers,
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': POLICY,
        'referrer-policy': 'no-referrer',
      })
      .send(made.html)
  })
}

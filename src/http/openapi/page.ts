import { counterparties } from './counterparties.ts'
import { docsStyle } from './page-style.ts'
import type { Node } from './schemas.ts'

export { docsStyle } from './page-style.ts'

/** The document as a page that needs no scripts, no other host, and no knowledge of OpenAPI. Chinese first. */
export function docsPage(document: Node): string {
  const info = node(document['info'])
  const tags = list(document['tags']).map(node)
  const calls = Object.entries(node(document['paths'])).flatMap(([path, item]) =>
    Object.entries(node(item)).map(([method, call]) => ({ method: method.toUpperCase(), path, call: node(call) })),
  )
  const components = node(document['components'])
  const scheme = node(node(components['securitySchemes'])['httpSignature'])
  const sections = tags.map((tag) => {
    const own = calls.filter(({ call }) => list(call['tags']).includes(tag['name']))
    if (own.length === 0) return ''
    return `<h2>${escape(tag['name'])}</h2>${paragraphs(tag['description'])}${own.map((one) => section(one, components)).join('')}`
  })
  const index = calls.map(
    ({ method, path, call }) =>
      `<li><a href="#${escape(call['operationId'])}"><code>${method} ${escape(path)}</code></a> ${escape(call['summary'])}</li>`,
  )
  const webhooks = Object.entries(node(document['webhooks'])).map(([name, item]) => {
    const { summary, requestBody } = node(node(item)['post'])
    const body = node(node(node(requestBody)['content'])['application/json'])
    return `<tr><td><code>${escape(name)}</code></td><td>${escape(summary)}</td><td>${typeText(node(body['schema']))}</td></tr>`
  })
  const schemas = Object.entries(node(components['schemas'])).map(
    ([name, schema]) => `<h3 id="schema-${escape(name)}"><code>${escape(name)}</code></h3>${shape(node(schema))}`,
  )
  return `<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(info['title'])}</title>
<style>${docsStyle}</style>
</head>
<body>
<header><h1>${escape(info['title'])}</h1>${paragraphs(info['description'])}
<p>${list(document['servers'])
    .map((server) => `<code>${escape(node(server)['url'])}</code>`)
    .join(' ')} · <a href="/openapi.json">openapi.json</a></p></header>
<nav aria-label="目录 Contents"><h2>目录 Contents</h2><ul>
<li><a href="#signing">签名 Signing</a></li>${index.join('')}
<li><a href="#events">事件类型 Types of events</a></li><li><a href="#schemas">数据结构 Schemas</a></li></ul></nav>
<main>
<h2 id="signing">签名 Signing</h2>${paragraphs(scheme['description'])}
${sections.join('')}
<h2 id="events">事件类型 Types of events</h2>
<table><thead><tr><th>类型 Type</th><th>含义 Meaning</th><th>推送的报文体 Body of its push</th></tr></thead><tbody>${webhooks.join('')}</tbody></table>
<h2 id="schemas">数据结构 Schemas</h2>
${schemas.join('')}
</main>
</body>
</html>
`
}

function section({ method, path, call }: { method: string; path: string; call: Node }, components: Node): string {
  const parameters = list(call['parameters']).map((one) => resolved(node(one), components))
  const content = node(node(call['requestBody'])['content'])
  const responses = Object.entries(node(call['responses']))
  return `<section><h3 id="${escape(call['operationId'])}"><span class="method">${method}</span> <code>${escape(path)}</code></h3>
<p>${escape(call['summary'])}</p>${paragraphs(call['description'])}
<p>${genuine(call)}</p>
${parameters.length === 0 ? '' : `<h4>参数 Parameters</h4><table><thead><tr><th>名称 Name</th><th>位置 In</th><th>说明 About</th></tr></thead><tbody>${parameters.map(parameterRow).join('')}</tbody></table>`}
${Object.keys(content).length === 0 ? '' : `<h4>请求体 Body</h4>${media(content)}`}
<h4>答复 Answers</h4><table><thead><tr><th>状态 Status</th><th>说明 About</th></tr></thead><tbody>${responses.map(([status, response]) => answerRow(status, node(response))).join('')}</tbody></table>
${responses.map(([status, response]) => (Number(status) < 300 ? examples(node(node(response)['content'])) : '')).join('')}
</section>`
}

/** How the call and its answers are told to be genuine. */
function genuine(call: Node): string {
  const [scheme] = list(call['security']).flatMap((one) => Object.keys(node(one)))
  if (scheme === undefined) return '无须签名。<span lang="en">Not signed.</span>'
  const other = Object.values(counterparties).find((one) => one.scheme.name === scheme)
  const { zh, en } = other?.genuine ?? { zh: '须签名，答复亦签名。', en: 'Signed; so is the answer.' }
  return `${escape(zh)}<span lang="en">${escape(en)}</span>`
}

function parameterRow(one: Node): string {
  const must = one['required'] === true ? '<span class="must">必填 required</span>' : ''
  return `<tr><td><code>${escape(one['name'])}</code> ${must}</td><td>${escape(one['in'])}</td><td>${paragraphs(one['description'])}${typeText(node(one['schema']))}</td></tr>`
}

function answerRow(status: string, response: Node): string {
  const types = Object.entries(node(response['content'])).map(([type, one]) => {
    const schema = node(one)['schema']
    return `<code>${escape(type)}</code>${schema === undefined ? '' : ` ${typeText(node(schema))}`}`
  })
  return `<tr><td>${escape(status)}</td><td>${paragraphs(response['description'])}<p>${types.join('<br>')}</p></td></tr>`
}

function media(content: Node): string {
  const lines = Object.entries(content).map(([type, one]) => {
    const schema = node(one)['schema']
    return `<li><code>${escape(type)}</code>${schema === undefined ? '' : ` ${typeText(node(schema))}`}</li>`
  })
  return `<ul>${lines.join('')}</ul>${examples(content)}`
}

function examples(content: Node): string {
  return Object.values(content)
    .map((one) => node(one)['example'])
    .filter((example) => example !== undefined)
    .map(
      (example) =>
        `<details><summary>示例 Example</summary><pre>${escape(JSON.stringify(example, null, 2))}</pre></details>`,
    )
    .join('')
}

/** A schema as a table of its members, those of inner objects below them. */
function shape(schema: Node): string {
  const rows = members(schema, '')
  const about = `${paragraphs(schema['description'])}<p>${typeText(schema)}</p>`
  if (rows.length === 0) return about
  return `${about}<table><thead><tr><th>成员 Member</th><th>类型 Type</th><th>说明 About</th></tr></thead><tbody>${rows.join('')}</tbody></table>`
}

function members(schema: Node, prefix: string): string[] {
  const required = list(schema['required'])
  return Object.entries(node(schema['properties'])).flatMap(([name, value]) => {
    const one = node(value)
    const path = `${prefix}${name}`
    const must = required.includes(name) ? ' <span class="must">必填</span>' : ''
    const own = `<tr><td><code>${escape(path)}</code>${must}</td><td>${typeText(one)}</td><td>${paragraphs(one['description'])}</td></tr>`
    return [own, ...members(one, `${path}.`), ...members(node(one['items']), `${path}[].`)]
  })
}

/** What a value may be, in one line; a named schema as a link to it. */
function typeText(schema: Node): string {
  const parts: string[] = []
  if (typeof schema['$ref'] === 'string') parts.push(link(schema['$ref']))
  for (const one of list(schema['allOf'])) {
    const inner = node(one)
    if (typeof inner['$ref'] === 'string') parts.push(link(inner['$ref']))
  }
  const either = [...list(schema['oneOf']), ...list(schema['anyOf'])].map((one) => typeText(node(one)))
  if (either.length > 0) parts.push(either.join(' | '))
  if (schema['type'] !== undefined) parts.push([schema['type']].flat().map(escape).join(' | '))
  if (schema['items'] !== undefined) parts.push(`[ ${typeText(node(schema['items']))} ]`)
  if (schema['enum'] !== undefined) parts.push(list(schema['enum']).map(literal).join(' · '))
  if (schema['const'] !== undefined) parts.push(literal(schema['const']))
  for (const key of ['format', 'minLength', 'maxLength', 'minimum', 'maximum', 'minItems', 'maxItems', 'default']) {
    if (schema[key] !== undefined) parts.push(`<small>${key} ${escape(schema[key])}</small>`)
  }
  return parts.join(' ')
}

function literal(value: unknown): string {
  return `<code>${escape(JSON.stringify(value))}</code>`
}

/** `#/components/schemas/name/properties/member` leads to the table of `name`. */
function link(reference: string): string {
  const [, , , name = '', ...rest] = reference.split('/')
  const label = [name, ...rest.filter((word) => word !== 'properties')].join('.')
  return `<a href="#schema-${escape(name)}"><code>${escape(label)}</code></a>`
}

function resolved(one: Node, components: Node): Node {
  const reference = one['$ref']
  if (typeof reference !== 'string') return one
  const [, , kind = '', name = ''] = reference.split('/')
  return node(node(components[kind])[name])
}

/** Paragraphs are parted by an empty line; what has no Chinese is marked as English, and `code` stays code. */
function paragraphs(text: unknown): string {
  if (typeof text !== 'string') return ''
  return text
    .split('\n\n')
    .map((line) => {
      const language = /\p{Script=Han}/u.test(line) ? '' : ' lang="en"'
      return `<p${language}>${escape(line).replaceAll(/`([^`]+)`/g, '<code>$1</code>')}</p>`
    })
    .join('')
}

function escape(value: unknown): string {
  const text = typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

function node(value: unknown): Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Node) : {}
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

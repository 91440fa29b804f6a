import { request } from 'undici'

/** One sample of /metrics by its whole name; null where it is absent. */
export async function metric(url: string, name: string): Promise<number | null> {
  const text = await (await request(`${url}/metrics`)).body.text()
  const line = text.split('\n').find((one) => one.startsWith(`${name} `))
  return line === undefined ? null : Number(line.slice(name.length))
}

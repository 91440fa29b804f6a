import { createSocket, type RemoteInfo } from 'node:dgram'

export interface NameServer {
  /** As `dns.setServers` takes it. */
  address: string
  /** Names that were asked for, in order. */
  readonly asked: string[]
  /** Answers what names beginning with `slow` were asked, and what they will be. */
  release(): void
}

/** A name server on this machine that leads every name to one IPv4 address; names that begin with `slow` wait. */
export async function startNameServer(
  t: { teardown(work: () => Promise<void>): unknown },
  address: string,
): Promise<NameServer> {
  const socket = createSocket('udp4')
  const held: (() => void)[] = []
  let isReleased = false
  const asked: string[] = []
  socket.on('message', (question, from) => {
    const { name, end, type } = read(question)
    asked.push(name)
    const reply = (): void => answer(question.subarray(0, end), type === A ? address : null, from)
    if (name.startsWith('slow') && !isReleased) held.push(reply)
    else reply()
  })
  const answer = (question: Buffer, found: string | null, from: RemoteInfo): void => {
    const head = Buffer.from(question)
    head.writeUInt16BE(0x8180, 2)
    for (const [place, count] of [1, found === null ? 0 : 1, 0, 0].entries()) head.writeUInt16BE(count, 4 + 2 * place)
    const record = found === null ? [] : [0xc0, 12, 0, A, 0, 1, 0, 0, 0, 0, 0, 4, ...found.split('.').map(Number)]
    socket.send(Buffer.concat([head, Buffer.from(record)]), from.port, from.address)
  }
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  t.teardown(async () => new Promise((resolve) => socket.close(() => resolve())))
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    release: () => {
      isReleased = true
      for (const reply of held.splice(0)) reply()
    },
  }
}

const A = 1

function read(question: Buffer): { name: string; end: number; type: number } {
  const labels: string[] = []
  let at = 12
  for (let length = question[at] ?? 0; length > 0; length = question[at] ?? 0) {
    labels.push(question.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), end: at + 5, type: question.readUInt16BE(at + 1) }
}

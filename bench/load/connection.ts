import { connect, type Socket } from 'node:net'

/** A kept connection that takes one request at a time: bytes out, status and body back, and little more work than that. */
export class Connection {
  readonly #socket: Socket
  #received: Buffer = Buffer.alloc(0)
  #waiting: { resolve: (answer: RawAnswer) => void; reject: (error: Error) => void } | null = null

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk) => {
      this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
      this.#take()
    })
    const fail = (error: Error): void => {
      this.#waiting?.reject(error)
      this.#waiting = null
    }
    socket.on('error', fail)
    socket.on('close', () => fail(new Error('the connection was closed')))
  }

  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true })
      socket.once('error', reject)
      socket.once('connect', () => resolve(new Connection(socket)))
    })
  }

  send(bytes: Buffer): Promise<RawAnswer> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#socket.write(bytes)
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(): void {
    const end = this.#received.indexOf('\r\n\r\n')
    if (end < 0) return
    const head = this.#received.toString('latin1', 0, end)
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
    const whole = end + 4 + Number(length ?? 0)
    if (this.#received.length < whole) return
    const answer = { status: Number(head.slice(9, 12)), body: this.#received.subarray(end + 4, whole) }
    this.#received = this.#received.subarray(whole)
    const waiting = this.#waiting
    this.#waiting = null
    if (length === undefined) waiting?.reject(new Error(`an answer without length: ${head.slice(0, 100)}`))
    else waiting?.resolve(answer)
  }
}

export interface RawAnswer {
  status: number
  body: Buffer
}

import t from 'tap'
import { readDer } from '../../src/trust/der.ts'
import type { Message, RequestMessage } from '../../src/trust/http-message.ts'
import { readPublicKey } from '../../src/trust/public-key.ts'
import { ComponentError, signatureBase } from '../../src/trust/signature-base.ts'
import { openSm2Pool } from '../../src/trust/sm2-pool.ts'
import { parseDictionary } from '../../src/trust/structured-fields.ts'
import { type SignatureAlgorithm, verifyBytes } from '../../src/trust/verify-bytes.ts'

// RFC 9421, appendix B.1: test-key-rsa-pss and test-key-ecc-p256, public parts.
const rsaPssKey = publicKeyOf(
  'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2+QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+Lh1GH45x28Rw3Ry53mm+oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHqgDsznjPFmTOtCEcN2Z1FpWgchwuYLPL+Wokqltd11nqqzi+bJ9cvSKADYdUAAN5WUtzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4aOT9v6d+nb4bnNkQVklLQ3fVAvJm+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI2wIDAQAB',
)
const p256Key = publicKeyOf(
  'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lfw0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==',
)

const requestDigest =
  'sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:'
const request: RequestMessage = {
  method: 'POST',
  targetUri: 'https://example.com/foo?param=Value&Pet=dog',
  rawHeaders: [
    'Host',
    'example.com',
    'Date',
    'Tue, 20 Apr 2021 02:07:55 GMT',
    'Content-Type',
    'application/json',
    'Content-Digest',
    requestDigest,
    'Content-Length',
    '18',
  ],
}
const response = (status: number, digest: string, length: string, headers: readonly string[] = []): Message => ({
  status,
  rawHeaders: ['Content-Type', 'application/json', 'Content-Digest', digest, 'Content-Length', length],
  request: { ...request, rawHeaders: [...request.rawHeaders, ...headers] },
})

interface Example {
  message: Message
  input: string
  signature: string
  algorithm: SignatureAlgorithm
}

const examples: Record<string, Example> = {
  'B.2.1, nothing covered': {
    message: request,
    input: 'sig-b21=();created=1618884473;keyid="test-key-rsa-pss";nonce="b3k2pp5k7z-50gnwp.yemd"',
    signature:
      'd2pmTvmbncD3xQm8E9ZV2828BjQWGgiwAaw5bAkgibUopemLJcWDy/lkbbHAve4cRAtx31Iq786U7it++wgGxbtRxf8Udx7zFZsckzXaJMkA7ChG52eSkFxykJeNqsrWH5S+oxNFlD4dzVuwe8DhTSja8xxbR/Z2cOGdCbzR72rgFWhzx2VjBqJzsPLMIQKhO4DGezXehhWwE56YCE+O6c0mKZsfxVrogUvA4HELjVKWmAvtl6UnCh8jYzuVG5WSb/QEVPnP5TmcAnLH1g+s++v6d4s8m0gCw1fV5/SITLq9mhho8K3+7EPYTU8IU1bLhdxO5Nyt8C8ssinQ98Xw9Q==',
    algorithm: 'rsa-pss-sha512',
  },
  'B.2.2, a query parameter': {
    message: request,
    input:
      'sig-b22=("@authority" "content-digest" "@query-param";name="Pet");created=1618884473;keyid="test-key-rsa-pss";tag="header-example"',
    signature:
      'LjbtqUbfmvjj5C5kr1Ugj4PmLYvx9wVjZvD9GsTT4F7GrcQEdJzgI9qHxICagShLRiLMlAJjtq6N4CDfKtjvuJyE5qH7KT8UCMkSowOB4+ECxCmT8rtAmj/0PIXxi0A0nxKyB09RNrCQibbUjsLS/2YyFYXEu4TRJQzRw1rLEuEfY17SARYhpTlaqwZVtR8NV7+4UKkjqpcAoFqWFQh62s7Cl+H2fjBSpqfZUJcsIk4N6wiKYd4je2U/lankenQ99PZfB4jY3I5rSV2DSBVkSFsURIjYErOs0tFTQosMTAoxk//0RoKUqiYY8Bh0aaUEb0rQl3/XaVe4bXTugEjHSw==',
    algorithm: 'rsa-pss-sha512',
  },
  'B.2.3, full coverage': {
    message: request,
    input:
      'sig-b23=("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-rsa-pss"',
    signature:
      'bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38K0fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCoC1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA==',
    algorithm: 'rsa-pss-sha512',
  },
  'B.2.4, a response': {
    message: response(
      200,
      'sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:',
      '23',
    ),
    input:
      'sig-b24=("@status" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-ecc-p256"',
    signature: 'wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==',
    algorithm: 'ecdsa-p256-sha256',
  },
  '2.4, a response bound to its request': {
    message: response(
      503,
      'sha-512=:0Y6iCBzGg5rZtoXS95Ijz03mslf6KAMCloESHObfwnHJDbkkWWQz6PhhU9kxsTbARtY2PTBOzq24uJFpHsMuAg==:',
      '62',
    ),
    input:
      'reqres=("@status" "content-digest" "content-type" "@authority";req "@method";req "@path";req "content-digest";req);created=1618884479;keyid="test-key-ecc-p256"',
    signature: 'dMT/A/76ehrdBTD/2Xx8QuKV6FoyzEP/I9hdzKN8LQJLNgzU4W767HK05rx1i8meNQQgQPgQp8wq2ive3tV5Ag==',
    algorithm: 'ecdsa-p256-sha256',
  },
  "2.4 of the draft, bound to the request's signature": {
    message: response(503, 'sha-512=:AAAA:', '62', [
      'Signature',
      'sig1=:LAH8BjcfcOcLojiuOBFWn0P5keD3xAOuJRGziCLuD8r5MW9S0RoXXLzLSRfGY/3SF8kVIkHjE13SEFdTo4Af/fJ/Pu9wheqoLVdwXyY/UkBIS1M8Brc8IODsn5DFIrG0IrburbLi0uCc+E2ZIIb6HbUJ+o+jP58JelMTe0QE3IpWINTEzpxjqDf5/Df+InHCAkQCTuKsamjWXUpyOT1Wkxi7YPVNOjW4MfNuTZ9HdbD2Tr65+BXeTG9ZS/9SWuXAc+BZ8WyPz0QRz//ec3uWXd7bYYODSjRAxHqX+S1ag3LZElYyUKaAIjZ8MGOt4gXEwCSLDv/zqxZeWLj/PDkn6w==:',
    ]),
    input:
      'reqres=("@status" "content-length" "content-type" "signature";req;key="sig1" "@authority";req "@method";req);created=1618884479;keyid="test-key-ecc-p256"',
    signature: 'mh17P4TbYYBmBwsXPT4nsyVzW4Rp9Fb8WcvnfqKCQLoMvzOBLD/n32tL/GPW6XE5GAS5bdsg1khK6lBzV1Cx/Q==',
    algorithm: 'ecdsa-p256-sha256',
  },
}

const sm2 = openSm2Pool()
for (const [name, { message, input, signature, algorithm }] of Object.entries(examples)) {
  await t.test(`RFC 9421 ${name}: our base is the one that was signed`, async (t) => {
    const base = baseOf(message, input)
    const key = algorithm === 'ecdsa-p256-sha256' ? p256Key : rsaPssKey
    t.ok(await verifyBytes(algorithm, key, base, Buffer.from(signature, 'base64'), sm2))
    const changed = Buffer.from(base.toString().replace(/created=16/, 'created=17'))
    t.notOk(await verifyBytes(algorithm, key, changed, Buffer.from(signature, 'base64'), sm2))
  })
}

await t.test(
  'fields: lines are joined, values trimmed, members taken by key, bytes armoured (RFC 9421, 2.1)',
  async (t) => {
    const message: RequestMessage = {
      method: 'GET',
      targetUri: 'http://www.example.com',
      rawHeaders: [
        ['X-OWS-Header', '   Leading and trailing whitespace.   '],
        ['Cache-Control', 'max-age=60'],
        ['Cache-Control', '    must-revalidate'],
        ['X-Empty-Header', ''],
        ['Example-Dict', ' a=1,  b=2;x=1;y=2,   c=(a   b   c), d'],
        ['Example-Header', 'value, with, lots'],
        ['Example-Header', 'of, commas'],
      ].flat(),
    }
    const components =
      '"x-ows-header" "cache-control" "x-empty-header" "example-dict";key="a" "example-dict";key="d" "example-dict";key="b" "example-dict";key="c" "example-header";bs "@path" "@query" "@scheme" "@request-target"'
    t.equal(
      baseOf(message, `x=(${components})`).toString(),
      [
        '"x-ows-header": Leading and trailing whitespace.',
        '"cache-control": max-age=60, must-revalidate',
        '"x-empty-header": ',
        '"example-dict";key="a": 1',
        '"example-dict";key="d": ?1',
        '"example-dict";key="b": 2;x=1;y=2',
        '"example-dict";key="c": (a b c)',
        '"example-header";bs: :dmFsdWUsIHdpdGgsIGxvdHM=:, :b2YsIGNvbW1hcw==:',
        '"@path": /',
        '"@query": ?',
        '"@scheme": http',
        '"@request-target": /',
        `"@signature-params": (${components})`,
      ].join('\n'),
    )
  },
)

await t.test('a query parameter that is absent, or there twice, cannot be covered', async (t) => {
  const at = (targetUri: string) => () =>
    baseOf({ method: 'GET', targetUri, rawHeaders: [] }, 'x=("@query-param";name="a")').toString()
  t.match(at('https://x.example/?b=1&a=with%20space+plus')(), '"@query-param";name="a": with%20space%20plus\n')
  t.throws(at('https://x.example/?b=1'), ComponentError)
  t.throws(at('https://x.example/?a=1&a=2'), ComponentError)
})

function baseOf(message: Message, input: string): Buffer {
  const [params] = parseDictionary(input).values()
  if (params?.kind !== 'inner-list') throw new Error('not an inner list')
  return signatureBase(message, params)
}

function publicKeyOf(base64: string): ReturnType<typeof readPublicKey> {
  return readPublicKey(readDer(Buffer.from(base64, 'base64')))
}

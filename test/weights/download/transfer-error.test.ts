import { expect, it } from 'vitest'
import { networkFailure } from '../../../src/weights/download/transfer-error.js'

/** As `fetch` throws it. */
const fetchFailed = (code: string | undefined, message: string) =>
  new TypeError('fetch failed', { cause: Object.assign(new Error(message), code === undefined ? {} : { code }) })

it.each<[string | undefined, string, RegExp, boolean]>([
  ['ENOTFOUND', 'getaddrinfo ENOTFOUND host', /no server of that name/, false],
  ['EAI_AGAIN', 'getaddrinfo EAI_AGAIN host', /name server does not answer/, true],
  ['ECONNREFUSED', 'connect ECONNREFUSED', /refused the connection/, true],
  ['ECONNRESET', 'read ECONNRESET', /cut off/, true],
  ['UND_ERR_SOCKET', 'other side closed', /cut off/, true],
  ['UND_ERR_CONNECT_TIMEOUT', 'Connect Timeout Error', /does not answer/, true],
  ['EHOSTUNREACH', 'connect EHOSTUNREACH', /no way to the server/, true],
  ['HPE_INVALID_CONSTANT', 'Expected HTTP/', /^Expected HTTP\/$/, true],
  ['ECONNREFUSED', '', /refused the connection/, true],
  ['EXOTIC', '', /^EXOTIC$/, true],
  ['CERT_HAS_EXPIRED', 'certificate has expired', /not trusted \(CERT_HAS_EXPIRED; NODE_EXTRA_CA_CERTS/, false],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed', /not trusted \(DEPTH_ZERO/, false],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'self-signed', /not trusted \(SELF_SIGNED/, false],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'unable', /not trusted \(UNABLE_TO/, false],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'Hostname', /not trusted \(ERR_TLS/, false],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'routines', /^a failed TLS handshake \(ERR_SSL_WRONG_VERSION_NUMBER\)$/, false],
  [undefined, 'redirect count exceeded', /^redirect count exceeded$/, false],
])('%s (%s) is put in words', (code, message, words, isTransient) => {
  const failure = networkFailure(fetchFailed(code, message))
  expect(failure.message).toMatch(words)
  expect(failure.isTransient).toBe(isTransient)
})

it('takes what is thrown without a cause', () => {
  expect(networkFailure(new TypeError('no cause')).message).toBe('no cause')
  expect(networkFailure('text').message).toBe('text')
})

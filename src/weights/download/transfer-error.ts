/** Why no more bytes come, in words for the user. Becomes a WeightsError when nothing else can be tried. */
export class TransferError extends Error {
  constructor(
    message: string,
    /** Whether it may go better a moment later. */
    readonly isTransient: boolean,
  ) {
    super(message)
  }
}

const cutOff = 'the connection was cut off'
const noAnswer = 'the server does not answer'

const words: Readonly<Record<string, string>> = {
  ENOTFOUND: 'no server of that name (is there a network?)',
  EAI_AGAIN: 'the name server does not answer (is there a network?)',
  ENETUNREACH: 'no network to the server',
  EHOSTUNREACH: 'no way to the server',
  ECONNREFUSED: 'the server refused the connection',
  ECONNRESET: cutOff,
  EPIPE: cutOff,
  UND_ERR_SOCKET: cutOff,
  ETIMEDOUT: noAnswer,
  UND_ERR_CONNECT_TIMEOUT: noAnswer,
}

/** Codes of certificates that OpenSSL or Node refuses. */
const untrusted = /^(ERR_TLS_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_)/

/** What `fetch` and its streams throw: "fetch failed" or "terminated", and the reason below it. */
export function networkFailure(error: unknown): TransferError {
  const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code = reason instanceof Error && 'code' in reason ? String(reason.code) : ''
  const text = reason instanceof Error && reason.message !== '' ? reason.message : code || String(reason)
  if (untrusted.test(code)) {
    const hint = 'NODE_EXTRA_CA_CERTS names a file with those of your organisation'
    return new TransferError(`a certificate that is not trusted (${code}; ${hint})`, false)
  }
  if (code.startsWith('ERR_SSL_')) return new TransferError(`a failed TLS handshake (${code})`, false)
  // without a code it is fetch itself that refuses: an address or a redirect that it does not follow
  return new TransferError(words[code] ?? text, code !== '' && code !== 'ENOTFOUND')
}

/** An answer that brings no bytes. */
export function statusFailure({ status, statusText }: Response): TransferError {
  const isTransient = status >= 500 || status === 408 || status === 425 || status === 429
  const meaning = status === 401 || status === 403 ? 'access denied' : status === 404 ? 'no such file' : statusText
  return new TransferError(`the server's answer ${status}${meaning === '' ? '' : ` (${meaning})`}`, isTransient)
}

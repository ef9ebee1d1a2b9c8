// Checks a Thimble receipt (c2sp.org/tlog-proof@v1) with WebCrypto alone.
// The rules are those of internal/ledger/verify.go: a receipt has one spelling.
const { subtle } = crypto
const classes = [, 'consent', 'access', 'disclosure', 'erasure', 'model', 'decision', 'use-batch', 'key', 'system', 'request']
const form = /^c2sp\.org\/tlog-proof@v1\nextra (.+)\nindex (0|[1-9]\d{0,14})\n((?:.{44}\n)*)\n([!-*,-~]{1,255})\n(0|[1-9]\d{0,14})\n(.{44})\n\n— \4 (.{92})\n$/
const fail = why => { throw new Error(why) }
const need = (ok, why) => ok || fail(why)
const decode = bytes => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
const encode = text => new TextEncoder().encode(text)
const attempt = (f, why) => { try { return f() } catch { fail(why) } }
const same = (a, b) => a.join() === b.join()
const hex = bytes => [...bytes].map(b => b.toString(16).padStart(2, 0)).join('')

const base64 = (text, size) => {
  const raw = attempt(() => atob(text), 'form: base64')
  need(btoa(raw) === text && (!size || raw.length === size), 'form: base64')
  return Uint8Array.from(raw, c => c.charCodeAt())
}

const hash = async (...parts) =>
  new Uint8Array(await subtle.digest('SHA-256', new Uint8Array(parts.flatMap(p => [...p]))))

// RFC 9162, section 2.1.3.2
const climb = async (node, at, last, proof) => {
  for (const other of proof) {
    need(last > 0, 'inclusion: the proof is too long')
    if (at % 2 || at === last) {
      node = await hash([1], other, node)
      while (at && at % 2 === 0) { at /= 2; last = Math.floor(last / 2) }
    } else node = await hash([1], node, other)
    at = Math.floor(at / 2)
    last = Math.floor(last / 2)
  }
  need(last === 0, 'inclusion: the proof is too short')
  return node
}

export async function verify(text, vkey) {
  if (typeof text !== 'string') text = attempt(() => decode(text), 'form: not text')
  const [, extra, index, lines, origin, size, root, signed] = form.exec(text) ?? fail('form: not a receipt')
  const opening = base64(extra)
  const proof = lines.split('\n').slice(0, -1).map(line => base64(line, 32))
  const top = base64(root, 32)
  const signature = base64(signed, 68)
  const hour = opening.length >= 86 && opening.length <= 262230 ? new DataView(opening.buffer).getUint32(2) : fail('form: extra')
  need(opening[0] === 1 && hour <= 70389527, 'form: leaf')

  const leaf = opening.subarray(0, 54)
  const bytes = opening.subarray(86)
  const record = attempt(() => JSON.parse(decode(bytes)), 'opening: the record is not JSON')
  const salt = await subtle.importKey('raw', opening.subarray(54, 86), { name: 'HMAC', hash: 'SHA-256' }, false, ['verify'])
  need(await subtle.verify('HMAC', salt, leaf.subarray(22), bytes), 'opening: the record is not what the log committed to')

  need(+index < +size, 'inclusion: no such leaf')
  need(same(await climb(await hash([0], leaf), +index, size - 1, proof), top), 'inclusion: the entry is not in the tree')

  const [, name, id, raw] = /^(.+)\+([0-9a-f]{8})\+(.{44})$/.exec(vkey) ?? fail('key: not a verifier key')
  const key = base64(raw, 33)
  const keyID = (await hash(encode(name + '\n'), key)).subarray(0, 4)
  need(key[0] === 1 && hex(keyID) === id, 'key: not a verifier key')
  need(name === origin && same(keyID, signature.subarray(0, 4)), 'signature: signed by another key')
  const ed25519 = await subtle.importKey('raw', key.subarray(1), { name: 'Ed25519' }, false, ['verify'])
  const head = encode(`${origin}\n${size}\n${root}\n`)
  need(await subtle.verify('Ed25519', ed25519, signature.subarray(4), head), 'signature: the log has not signed the tree')

  return {
    ok: true, class: classes[leaf[1]] ?? 'class-' + leaf[1], hour: new Date(hour * 36e5).toISOString(),
    model: hex(leaf.subarray(6, 14)), policy: hex(leaf.subarray(14, 22)), record, index: +index, size: +size, root, origin,
  }
}

// Checks a Thimble receipt (c2sp.org/tlog-proof@v1) with WebCrypto alone.
// The rules are those of internal/ledger/verify.go.
const { subtle } = crypto
const classes = [, 'consent', 'access', 'disclosure', 'erasure', 'model', 'decision', 'use-batch', 'key', 'system', 'request', 'identity']
const form = /^c2sp\.org\/tlog-proof@v1\nextra (.+)\nindex (0|[1-9]\d{0,14})\n((?:.{44}\n)*)\n([!-*,-~]{1,255})\n(0|[1-9]\d{0,14})\n(.{44})\n\n— \4 (.{92})\n((?:— [!-*,-~]{1,255} .{104}\n){0,16})$/
const fail = why => { throw new Error(why) }
const need = (ok, why) => ok || fail(why)
const decode = bytes => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
const encode = text => new TextEncoder().encode(text)
const attempt = (f, why) => { try { return f() } catch { fail(why) } }
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
    need(last > 0, 'inclusion: too long')
    if (at % 2 || at === last) {
      node = await hash([1], other, node)
      while (at && at % 2 === 0) { at /= 2; last = Math.floor(last / 2) }
    } else node = await hash([1], node, other)
    at = Math.floor(at / 2)
    last = Math.floor(last / 2)
  }
  need(last === 0, 'inclusion: too short')
  return node
}

// of a log (type 1) or a witness (type 4)
const readKey = async (vkey, type) => {
  const [, name, id, raw] = /^(.+)\+([0-9a-f]{8})\+(.{44})$/.exec(vkey) ?? fail('key: form')
  const key = base64(raw, 33)
  need(key[0] === type && hex(await hash(encode(name + '\n'), key)).startsWith(id), 'key: form')
  return [type + name + id, await subtle.importKey('raw', key.subarray(1), 'Ed25519', false, ['verify'])]
}

// vkeys: the log's key and, to judge cosignatures, those of all witnesses
export async function verify(text, vkeys) {
  if (typeof text !== 'string') text = attempt(() => decode(text), 'form: text')
  const [, extra, index, lines, origin, size, root, signed, more] = form.exec(text) ?? fail('form: lines')
  const opening = base64(extra)
  const proof = lines.split('\n').slice(0, -1).map(line => base64(line, 32))
  const top = base64(root, 32)
  base64(signed, 68)
  const cosigned = more.split('\n').slice(0, -1).map((line, i, all) => {
    const [, name, raw] = line.split(' ')
    const signature = base64(raw, 76)
    const time = new DataView(signature.buffer).getBigUint64(4)
    need(time < 253402300800n && (!i || all[i - 1] < line), 'form: cosigned')
    return [4, name, signature, `cosignature/v1\ntime ${time}\n`]
  })
  need(opening.length >= 86 && opening.length <= 262230, 'form: extra')
  const hour = new DataView(opening.buffer).getUint32(2)
  need(opening[0] === 1 && hour <= 70389527, 'form: leaf')

  const leaf = opening.subarray(0, 54)
  const bytes = opening.subarray(86)
  const record = attempt(() => JSON.parse(decode(bytes)), 'opening: JSON')
  const salt = await subtle.importKey('raw', opening.subarray(54, 86), { name: 'HMAC', hash: 'SHA-256' }, false, ['verify'])
  need(await subtle.verify('HMAC', salt, leaf.subarray(22), bytes), 'opening: record')

  need(+index < +size, 'inclusion: too short')
  need(hex(await climb(await hash([0], leaf), +index, size - 1, proof)) === hex(top), 'inclusion: tree')

  const keys = new Map(await Promise.all(vkeys.trim().split(/\s+/).map((vkey, i) => readKey(vkey, i ? 4 : 1))))
  const judged = keys.size > 1 ? cosigned : []
  for (const [type, name, signature, prefix] of [[1, origin, base64(signed, 68), ''], ...judged]) {
    const who = type + name + hex(signature.subarray(0, 4))
    const key = keys.get(who) ?? fail('signature: key')
    keys.delete(who)
    need(await subtle.verify('Ed25519', key, signature.subarray(type < 4 ? 4 : 12), encode(`${prefix}${origin}\n${size}\n${root}\n`)), 'signature: tree')
  }

  return {
    ok: true, class: classes[leaf[1]] ?? 'class-' + leaf[1], hour: new Date(hour * 36e5).toISOString(),
    model: hex(leaf.subarray(6, 14)), policy: hex(leaf.subarray(14, 22)), record, index: +index, size: +size, root, origin,
    cosigned: judged.map(c => c[1]),
  }
}

// Checks a Thimble receipt (c2sp.org/tlog-proof@v1) with WebCrypto alone.
const { subtle } = crypto
const classes = [, 'consent', 'access', 'disclosure', 'erasure', 'model', 'decision', 'use-batch', 'key', 'system', 'request', 'identity', 'batch', , 'plan', 'taste']
const form = /^(c2sp\.org\/tlog|thimble\/batch)-proof@v1\nextra (.+)\nindex (0|[1-9]\d{0,14})\n((?:.{44}\n)*)\n([^]+)$/
const head = /^([!-*,-~]{1,255})\n(0|[1-9]\d{0,14})\n(.{44})\n\n— \1 (.{92})\n((?:— [!-*,-~]{1,255} .{104}\n){0,16})$/
const fail = why => { throw new Error(why) }
const need = (ok, why) => ok || fail(why)
const decode = bytes => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
const encode = text => new TextEncoder().encode(text)
const attempt = (f, why) => { try { return f() } catch { fail(why) } }
const hex = bytes => [...bytes].map(b => b.toString(16).padStart(2, 0)).join('')

const base64 = (text, size) => {
  const raw = attempt(() => atob(text), 'form: lines')
  need(btoa(raw) === text && (!size || raw.length === size), 'form: lines')
  return Uint8Array.from(raw, c => c.charCodeAt())
}

const hash = async (...parts) =>
  new Uint8Array(await subtle.digest('SHA-256', new Uint8Array(parts.flatMap(p => [...p]))))

const half = n => Math.floor(n / 2)

// RFC 9162 2.1.3.2
const climb = async (node, at, last, proof) => {
  for (const other of proof) {
    need(last > 0, 'inclusion: tree')
    if (at % 2 || at === last) {
      node = await hash([1], other, node)
      while (at && at % 2 === 0) { at /= 2; last = half(last) }
    } else node = await hash([1], node, other)
    at = half(at)
    last = half(last)
  }
  need(last === 0, 'inclusion: tree')
  return hex(node)
}

// type 1: log, 4: witness
const readKey = async (vkey, type) => {
  const [, name, id, raw] = /^(.+)\+([0-9a-f]{8})\+(.{44})$/.exec(vkey) ?? fail('key: form')
  const key = base64(raw, 33)
  need(key[0] === type && hex(await hash(encode(name + '\n'), key)).startsWith(id), 'key: form')
  return [type + name + id, await subtle.importKey('raw', key.subarray(1), 'Ed25519', false, ['verify'])]
}

const open = async extra => {
  const opening = base64(extra)
  need(opening.length >= 86 && opening.length <= 262230, 'form: lines')
  const hour = new DataView(opening.buffer).getUint32(2)
  need(opening[0] === 1 && hour <= 70389527, 'form: lines')
  const leaf = opening.subarray(0, 54)
  const bytes = opening.subarray(86)
  const record = attempt(() => JSON.parse(decode(bytes)), 'opening: record')
  const salt = await subtle.importKey('raw', opening.subarray(54, 86), { name: 'HMAC', hash: 'SHA-256' }, false, ['verify'])
  need(await subtle.verify('HMAC', salt, leaf.subarray(22), bytes), 'opening: record')
  return [await hash([0], leaf), {
    ok: true, class: classes[leaf[1]] ?? 'class-' + leaf[1], hour: new Date(hour * 36e5).toISOString(),
    model: hex(leaf.subarray(6, 14)), policy: hex(leaf.subarray(14, 22)), record,
  }]
}

// vkeys: the log's key, then those of all witnesses or of none
export async function verify(text, vkeys) {
  if (typeof text !== 'string') text = attempt(() => decode(text), 'form: lines')
  const [, kind, extra, index, lines, rest] = form.exec(text) ?? fail('form: lines')
  const proof = lines.split('\n').slice(0, -1).map(line => base64(line, 32))
  const [leaf, said] = await open(extra)
  const included = async (size, root) =>
    need(+index < +size && await climb(leaf, +index, size - 1, proof) === hex(root), 'inclusion: tree')
  if (kind[0] === 't') {
    need(rest[0] === 'c', 'form: lines')
    const got = await verify(rest, vkeys)
    const { v, size, root } = got.record
    need(got.class === 'batch' && v === 1 && size <= 65536, 'inclusion: tree')
    await included(size, base64(root, 32))
    return { ...got, ...said, batch: { index: +index, size } }
  }
  const [, origin, size, root, signed, more] = head.exec(rest) ?? fail('form: lines')
  const top = base64(root, 32)
  base64(signed, 68)
  const cosigned = more.split('\n').slice(0, -1).map((line, i, all) => {
    const [, name, raw] = line.split(' ')
    const signature = base64(raw, 76)
    const time = new DataView(signature.buffer).getBigUint64(4)
    need(time < 253402300800n && (!i || all[i - 1] < line), 'form: lines')
    return [4, name, signature, `cosignature/v1\ntime ${time}\n`]
  })
  await included(size, top)

  const keys = new Map(await Promise.all(vkeys.trim().split(/\s+/).map((vkey, i) => readKey(vkey, i ? 4 : 1))))
  const judged = keys.size > 1 ? cosigned : []
  for (const [type, name, signature, prefix] of [[1, origin, base64(signed, 68), ''], ...judged]) {
    const who = type + name + hex(signature.subarray(0, 4))
    const key = keys.get(who) ?? fail('signature: tree')
    keys.delete(who)
    need(await subtle.verify('Ed25519', key, signature.subarray(type < 4 ? 4 : 12), encode(`${prefix}${origin}\n${size}\n${root}\n`)), 'signature: tree')
  }

  return { ...said, index: +index, size: +size, root, origin, cosigned: judged.map(c => c[1]) }
}

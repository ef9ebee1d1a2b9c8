// Runs the browser's verifier under Node on what Go made. Reads
// {vkey, receipts: [base64], cases: [{name, text: base64, vkey, want}], every, stride} from
// standard input; prints {accepted, flips, wrong: [...]}.
import { readFileSync } from 'node:fs'
import { webcrypto } from 'node:crypto'

globalThis.crypto ??= webcrypto
process.emitWarning = () => {} // Ed25519 is behind a warning in Node 20
const { verify } = await import(process.argv[2])
const input = JSON.parse(readFileSync(0, 'utf8'))
const out = { accepted: 0, flips: 0, opened: [], wrong: [] }

const outcome = (text, vkey) => verify(text, vkey).then(got => ({ check: 'ok', got }), err => ({ check: err.message.split(':')[0] }))

for (const { name, text, vkey, want } of input.cases) {
  const { check, got } = await outcome(Buffer.from(text, 'base64'), vkey)
  if (check !== want) out.wrong.push(`${name}: ${check}, want ${want}`)
  out.opened.push(got ?? null)
}

for (const [r, encoded] of input.receipts.entries()) {
  const good = Uint8Array.from(Buffer.from(encoded, 'base64'))
  if ((await outcome(good, input.vkey)).check === 'ok') out.accepted++
  if ((await outcome(new TextDecoder().decode(good), input.vkey)).check !== 'ok') out.wrong.push(`receipt ${r} as a string`)
  const flips = []
  for (let i = r % input.stride; i < good.length; i += input.stride) {
    for (let bit = 0; bit < 8; bit++) {
      if (!input.every && bit !== (i * 7 + r) % 8) continue
      const bad = good.slice()
      bad[i] ^= 1 << bit
      flips.push(outcome(bad, input.vkey).then(({ check }) => {
        if (!['form', 'opening', 'inclusion', 'signature'].includes(check)) out.wrong.push(`receipt ${r}, byte ${i}, bit ${bit}: ${check}`)
      }))
    }
  }
  await Promise.all(flips)
  out.flips += flips.length
}
process.stdout.write(JSON.stringify(out))

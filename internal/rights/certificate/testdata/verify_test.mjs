// Runs the browser's verifier of certificates under Node on what Go made. Reads
// {folder, vkey, cases: [{name, text: base64}], flips: [bit]} from standard input, the
// flips being those of the first case; prints {verdicts: [...], passed: [bit]}.
import { readFileSync } from 'node:fs'
import { webcrypto } from 'node:crypto'

globalThis.crypto ??= webcrypto
process.emitWarning = () => {} // Ed25519 is behind a warning in Node 20
const input = JSON.parse(readFileSync(0, 'utf8'))
const { verifyCertificate } = await import(input.folder + '/certificate.js')
const verdict = bytes => verifyCertificate(bytes, input.vkey).then(() => 'ok', err => err.message)

const out = { verdicts: [], passed: [] }
for (const { text } of input.cases) out.verdicts.push(await verdict(Uint8Array.from(Buffer.from(text ?? '', 'base64'))))
const good = Uint8Array.from(Buffer.from(input.cases[0].text, 'base64'))
for (const bit of input.flips) {
  const bad = good.slice()
  bad[bit >> 3] ^= 1 << (bit & 7)
  const got = await verdict(bad)
  if (!/^(form|opening|inclusion|signature|statement|sense)\b/.test(got)) out.passed.push(bit)
}
process.stdout.write(JSON.stringify(out))

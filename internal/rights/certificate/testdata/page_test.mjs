// Runs the script of the offline page with a document of its own. Reads {script, files:
// [base64], vkey} from standard input; prints for each file {verdict, why, lines, checks}.
import { readFileSync, writeFileSync } from 'node:fs'
import { webcrypto } from 'node:crypto'

globalThis.crypto ??= webcrypto
process.emitWarning = () => {} // Ed25519 is behind a warning in Node 20
const input = JSON.parse(readFileSync(0, 'utf8'))
const element = () => ({
  dataset: {}, children: [], on: {}, files: [], classList: { toggle() {} }, parts: {},
  append(e) { this.children.push(e) },
  replaceChildren() { this.children = [] },
  addEventListener(name, f) { this.on[name] = f },
  querySelector(s) { return this.parts[s] ??= element() },
})
const all = {}
globalThis.document = { ...element(), getElementById: id => all[id] ??= element(), createElement: element, body: element() }
document.getElementById('key').value = input.vkey
writeFileSync(input.at, input.script)
await import(input.at)
const out = []
for (const text of input.files) {
  const bytes = Buffer.from(text, 'base64')
  document.getElementById('answer').hidden = true
  all.file.on.change({ target: { files: [{ arrayBuffer: async () => bytes }] } })
  while (all.answer.hidden) await new Promise(r => setTimeout(r, 2))
  out.push({ verdict: all.verdict.textContent, why: all.why.textContent, lines: all.lines.children.map(l => l.textContent + ' ' + l.dataset.result), checks: Object.values(all.checks.parts).map(c => c.dataset.result) })
}
process.stdout.write(JSON.stringify(out))

// Checks a Thimble deletion certificate: the receipt in it by verify.js, and that the
// file says what the log has signed, field by field.
import { verify } from './verify.js'

const kind = 'thimble/deletion-certificate@v1'
const stop = why => { throw new Error(why) }
const isHash = text => /^[0-9a-f]{64}$/.test(text)
const every = (list, ok) => Array.isArray(list) && list.every(ok)
const fields = {
  file: 'says,receipt',
  says: 'certificate,request,issue,asked,done,issued,report_leaf_sha256,resumed,holders,keys,models,recipients,kept,backups,not_covered',
}

// The one form: what JSON.stringify writes, and a line end.
const parse = bytes => {
  try {
    const text = typeof bytes === 'string' ? bytes : new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    const file = JSON.parse(text)
    if (JSON.stringify(file, null, 2) + '\n' !== text || Object.keys(file).join() !== fields.file) stop()
    if (Object.keys(file.says).join() !== fields.says || !every(file.receipt, line => typeof line === 'string')) stop()
    return file
  } catch { stop('form: file') }
}

// The first field in which two differ.
const differs = (a, b, path) => {
  if (a && b && typeof a === 'object' && typeof b === 'object' && Array.isArray(a) === Array.isArray(b)) {
    for (const key of [...new Set([...Object.keys(a), ...Object.keys(b)])].sort()) {
      const at = differs(a[key], b[key], Array.isArray(a) ? `${path}[${key}]` : path ? `${path}.${key}` : key)
      if (at) return at
    }
    return ''
  }
  return a === b ? '' : path
}

const isVersion = v => v.version > 0 && v.stage && isHash(v.weights_sha256)
const states = ['told', 'delivered', 'acknowledged', 'overdue', 'unreachable', 'promised', 'done', 'refused', 'done_by_hand']
const sense = [
  ['certificate', s => s.certificate === kind],
  ['request, issue', s => s.request && s.issue >= 1],
  ['asked, done, issued', s => Date.parse(s.asked) <= Date.parse(s.done) && Date.parse(s.done) <= Date.parse(s.issued)],
  ['report_leaf_sha256', s => isHash(s.report_leaf_sha256)],
  ['holders', s => s.holders.length && every(s.holders, h => h.holder && h.erased >= 0)],
  ['keys', s => s.keys.sha256.length && every(s.keys.sha256, isHash)],
  ['models', s => every(s.models, m => m.model && every(m.before, isVersion) && every(m.after, isVersion))],
  ['recipients', s => every(s.recipients, r => r.name && r.notice && states.includes(r.state))],
  ['kept', s => every(s.kept, k => k.what && k.count > 0 && k.law)],
  ['backups', s => Date.parse(s.backups.unreadable_after) > Date.parse(s.done)],
  ['not_covered', s => s.not_covered.length],
]

// Resolves to {says, entry}, or rejects with "check: what".
export async function verifyCertificate(bytes, vkeys) {
  const { says, receipt } = parse(bytes)
  const entry = await verify(receipt.join('\n') + '\n', vkeys)
  if (JSON.stringify(says) !== JSON.stringify(entry.record)) stop('statement: ' + (differs(says, entry.record, '') || 'the order of the fields'))
  if (entry.class !== 'erasure') stop('sense: class')
  for (const [what, ok] of sense) if (!ok(says)) stop('sense: ' + what)
  return { says, entry }
}

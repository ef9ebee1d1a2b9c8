import { verifyCertificate } from './certificate.js'

const byID = id => document.getElementById(id)
const order = ['form', 'opening', 'inclusion', 'signature', 'statement', 'sense']
const reasons = {
  form: 'The file is not a certificate as Thimble writes it. It may have been cut off or changed on the way; ask for it again.',
  opening: 'The entry in the certificate is not the one the log committed to.',
  inclusion: 'The entry is not where the certificate says it is in the log.',
  signature: 'The log with this key has not signed this. Compare the key: the certificate may be another shop’s.',
  statement: 'The file says another thing than the log has signed. Somebody changed it at: ',
  sense: 'The log has signed it, but what it says is no erasure. See: ',
  key: 'The key is not a log’s public key. It looks like shop.example/ledger+1a2b3c4d+Ab…=.',
}

const mark = failed => {
  const at = order.indexOf(failed)
  for (const [i, name] of order.entries()) {
    byID('checks').querySelector(`[data-check=${name}]`).dataset.result =
      failed === 'key' || at >= 0 && i > at ? 'open' : i === at ? 'failed' : 'passed'
  }
}

const answer = (verdict, tone, why) => {
  byID('verdict').textContent = verdict
  byID('verdict').className = tone
  byID('why').textContent = why
  byID('lines').replaceChildren()
  byID('answer').hidden = false
}

const line = text => {
  const li = document.createElement('li')
  li.textContent = text
  li.dataset.result = 'passed'
  byID('lines').append(li)
}

const day = at => at.replace('T', ' ').replace(/:\d\d(\.\d+)?Z$/, ' UTC')
const version = v => `version ${v.version} (${v.stage}) ${v.weights_sha256}`
const list = all => all.length ? all.map(version).join('; ') : 'none'

const show = ({ says, entry }) => {
  mark()
  answer('This certificate is genuine.', 'good', 'All six checks passed. Each line below is signed; the log cannot take it back.')
  line(`Request ${says.request}, certificate number ${says.issue}: asked ${day(says.asked)}, done ${day(says.done)}, certified ${day(says.issued)}`)
  if (says.resumed) line('The erasure was interrupted and taken up again: what was destroyed before that may not be in the counts')
  for (const h of says.holders) line(`${h.holder}: ${h.erased} destroyed`)
  for (const key of says.keys.sha256) line(`Keys destroyed: ${key}`)
  line(says.keys.files_scanned ? 'The files were read afterwards, and no key was found' : 'The files were not read afterwards')
  for (const m of says.models) line(`Model ${m.model}. Before: ${list(m.before)}. After: ${list(m.after)}`)
  if (!says.models.length) line('No model was kept')
  for (const r of says.recipients) line(`${r.name} was told (${r.notice}): ${r.state.replaceAll('_', ' ')}${r.why ? ', ' + r.why : ''}${r.proof ? ', ' + r.proof : ''}, ${day(r.at)}`)
  if (!says.recipients.length) line('No recipient had anything of the person')
  for (const k of says.kept) line(`Kept by ${k.holder}: ${k.what}, ${k.count} (${k.law})`)
  if (!says.kept.length) line('Nothing is kept')
  line(`Backups: unreadable after ${says.backups.unreadable_after.slice(0, 10)}. ${says.backups.why}`)
  for (const b of says.not_covered) line(`Not covered: ${b}`)
  line(`Log ${entry.origin}, entry ${entry.index} of ${entry.size}${entry.cosigned.length ? ', cosigned by ' + entry.cosigned.join(', ') : ''}`)
}

const check = async file => {
  try {
    show(await verifyCertificate(new Uint8Array(await file.arrayBuffer()), byID('key').value.trim()))
  } catch (err) {
    const [failed, where] = err.message.split(': ')
    if (!reasons[failed]) {
      answer('This browser cannot check certificates.', 'bad', 'It lacks Ed25519 signatures (WebCrypto). A current Chrome, Edge, Firefox or Safari has them.')
      return
    }
    mark(failed)
    answer('This certificate did not pass.', 'bad', reasons[failed] + (reasons[failed].endsWith(': ') ? where : ''))
  }
}

byID('ask').addEventListener('submit', event => {
  event.preventDefault()
  const [file] = byID('file').files
  if (file) check(file)
  else answer('There is no certificate yet.', 'bad', 'Choose the file you were given.')
})
byID('file').addEventListener('change', event => {
  if (event.target.files[0]) check(event.target.files[0])
})
for (const [name, on] of [['dragover', true], ['dragleave', false], ['drop', false]]) {
  document.addEventListener(name, event => {
    event.preventDefault()
    document.body.classList.toggle('drop', on)
    if (name === 'drop' && event.dataTransfer.files[0]) check(event.dataTransfer.files[0])
  })
}

import { verify } from './verify.js'

const byID = id => document.getElementById(id)
const order = ['form', 'opening', 'inclusion', 'signature']
const reasons = {
  form: 'The file is not a receipt as Thimble writes it. It may have been cut off or changed on the way; ask for it again.',
  opening: 'The record in the receipt is not the one the log committed to. Somebody changed the record, or it belongs to another receipt.',
  inclusion: 'The entry is not where the receipt says it is in the log.',
  signature: 'The log with this key has not signed this. Compare the key: the receipt may be another shop’s.',
  key: 'The key is not a log’s public key. It looks like shop.example/ledger+1a2b3c4d+Ab…=.',
}
const words = {
  consent: 'a choice you made', access: 'a person of the staff read data', disclosure: 'data went to a recipient',
  erasure: 'data was destroyed', model: 'a model was trained, released or made to forget', decision: 'a machine decided',
  'use-batch': 'machines used data', key: 'a key was made, rotated or destroyed', system: 'the installation changed',
  request: 'a request about your rights was handled',
  identity: 'two accounts were found to be one person, or no longer',
  batch: 'many decisions that were noted together',
  plan: 'what may be collected was changed',
  taste: 'somebody said what shapes their lists',
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
  byID('said').replaceChildren()
  byID('record').hidden = true
  byID('answer').hidden = false
}

const said = (term, value) => {
  const dt = document.createElement('dt'), dd = document.createElement('dd')
  dt.textContent = term
  dd.textContent = value
  byID('said').append(dt, dd)
}

const show = got => {
  mark()
  answer('This receipt is genuine.', 'good', 'All four checks passed. The log has signed for this entry and cannot take it back.')
  const from = got.hour.replace('T', ' ').slice(0, 16)
  said('What', `${got.class}${words[got.class] ? ': ' + words[got.class] : ''}`)
  said('When', `within the hour from ${from} UTC`)
  said('Log', got.origin)
  said('Entry', `number ${got.index}, counted from 0, of ${got.size}`)
  if (got.batch) said('Batch', `number ${got.batch.index}, counted from 0, of ${got.batch.size} decisions that were noted together`)
  if (got.cosigned.length) said('Witnesses', got.cosigned.join(', '))
  if (/[1-9a-f]/.test(got.model)) said('Model', got.model)
  if (/[1-9a-f]/.test(got.policy)) said('Policy', got.policy)
  byID('record').textContent = JSON.stringify(got.record, null, 2)
  byID('record').hidden = false
}

const check = async receipt => {
  try {
    show(await verify(receipt, byID('key').value.trim()))
  } catch (err) {
    const failed = err.message.split(':')[0]
    if (!reasons[failed]) {
      answer('This browser cannot check receipts.', 'bad', 'It lacks Ed25519 signatures (WebCrypto). A current Chrome, Edge, Firefox or Safari has them.')
      return
    }
    mark(failed)
    answer('This receipt did not pass.', 'bad', reasons[failed])
  }
}

const checkFile = async file => check(new Uint8Array(await file.arrayBuffer()))

byID('ask').addEventListener('submit', event => {
  event.preventDefault()
  const [file] = byID('file').files
  const pasted = byID('text').value.trim()
  // Copying adds and drops blank lines around a text; within it nothing may change.
  if (pasted) check(pasted + '\n')
  else if (file) checkFile(file)
  else answer('There is no receipt yet.', 'bad', 'Choose the file you were given, or paste its text.')
})
byID('file').addEventListener('change', event => {
  byID('text').value = ''
  if (event.target.files[0]) checkFile(event.target.files[0])
})
for (const [name, on] of [['dragover', true], ['dragleave', false], ['drop', false]]) {
  document.addEventListener(name, event => {
    event.preventDefault()
    document.body.classList.toggle('drop', on)
    if (name === 'drop' && event.dataTransfer.files[0]) checkFile(event.dataTransfer.files[0])
  })
}

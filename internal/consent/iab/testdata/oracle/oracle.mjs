// Decodes and encodes consent strings with the reference packages of the IAB. Each
// line of standard input is {op, kind, string | fields}; each line of the answer is
// {string} or {fields} or {error}.
import readline from 'node:readline'
import { GppModel } from '@iabgpp/cmpapi'
import { PurposeRestriction, PurposeRestrictionVector, Segment, SegmentEncoder, TCModel, TCString } from '@iabtcf/core'

const ids = (vector) => { const all = []; vector.forEach((set, id) => { if (set) all.push(id) }); return all }

const vectors = ['specialFeatureOptins', 'purposeConsents', 'purposeLegitimateInterests', 'vendorConsents', 'vendorLegitimateInterests',
  'vendorsDisclosed', 'vendorsAllowed', 'publisherConsents', 'publisherLegitimateInterests', 'publisherCustomConsents', 'publisherCustomLegitimateInterests']
const plain = ['cmpId', 'cmpVersion', 'consentScreen', 'consentLanguage', 'vendorListVersion', 'policyVersion', 'isServiceSpecific',
  'useNonStandardStacks', 'purposeOneTreatment', 'publisherCountryCode', 'numCustomPurposes']

const tcf = {
  decode (string) {
    const m = TCString.decode(string)
    const out = { version: m.version, created: m.created.toISOString(), lastUpdated: m.lastUpdated.toISOString(), publisherRestrictions: [] }
    for (const k of plain) out[k] = m[k]
    for (const k of vectors) out[k] = ids(m[k])
    for (const r of m.publisherRestrictions.getRestrictions()) {
      out.publisherRestrictions.push({ purposeId: r.purposeId, restrictionType: r.restrictionType, vendors: m.publisherRestrictions.getVendors(r) })
    }
    return out
  },
  encode (f) {
    const m = new TCModel()
    m.version = 2
    m.created = new Date(f.created)
    m.lastUpdated = new Date(f.lastUpdated)
    for (const k of plain) m[k] = f[k]
    for (const k of vectors) { m[k].empty(); m[k].set(f[k]) }
    const rs = new PurposeRestrictionVector()
    for (const r of f.publisherRestrictions) for (const v of r.vendors) rs.add(v, new PurposeRestriction(r.purposeId, r.restrictionType))
    // The encoder asks the vendor list only which ids exist: here, all.
    rs.gvl_ = { vendorIds: { has: () => true } }
    m.publisherRestrictions = rs
    return [Segment.CORE, Segment.VENDORS_DISCLOSED, Segment.VENDORS_ALLOWED, Segment.PUBLISHER_TC].map((s) => SegmentEncoder.encode(m, s)).join('.')
  }
}

const entry = (r) => ({ key: r.key, type: r.type, ids: r.ids, getKey: () => r.key, getType: () => r.type, getIds: () => r.ids })

const gpp = {
  decode (string) {
    const m = new GppModel(string)
    const out = { sectionIds: m.getSectionIds(), sections: {} }
    for (const id of out.sectionIds) {
      const name = names[id]
      out.sections[name] = m.getSection(name)
    }
    return out
  },
  encode (f) {
    const m = new GppModel()
    for (const id of f.sectionIds) {
      const name = names[id]
      const fields = f.sections[name]
      // How many custom purposes there are comes first, since setting them cuts to it;
      // dates come last, since setting any other field sets them to now.
      const rank = (k) => k === 'NumCustomPurposes' ? -1 : dates.indexOf(k) + 1
      const keys = Object.keys(fields).sort((a, b) => rank(a) - rank(b))
      for (const k of keys) {
        let v = fields[k]
        if (dates.includes(k)) v = new Date(v)
        if (k === 'PublisherRestrictions' || k === 'PubRestrictions') v = v.map(entry)
        m.setFieldValue(name, k, v)
      }
    }
    return m.encode()
  }
}
const dates = ['Created', 'LastUpdated']
const names = { 2: 'tcfeuv2', 5: 'tcfcav1', 6: 'uspv1', 7: 'usnat', 8: 'usca', 9: 'usva', 10: 'usco', 11: 'usut', 12: 'usct', 13: 'usfl', 14: 'usmt', 15: 'usor', 16: 'ustx', 17: 'usde', 18: 'usia', 19: 'usne', 20: 'usnh', 21: 'usnj', 22: 'ustn', 23: 'usmn', 24: 'usmd', 25: 'usin', 26: 'usky', 27: 'usri' }

for await (const line of readline.createInterface({ input: process.stdin })) {
  const q = JSON.parse(line)
  let a
  try {
    const codec = { tcf, gpp }[q.kind]
    a = q.op === 'decode' ? { fields: codec.decode(q.string) } : { string: codec.encode(q.fields) }
  } catch (e) {
    a = { error: String(e.message ?? e) }
  }
  console.log(JSON.stringify(a))
}

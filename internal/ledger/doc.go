// Package ledger is the Merkle log of what Thimble did: consents, staff reads,
// disclosures, erasures, model releases and decisions. It holds the formats, the
// receipt that everyone concerned can check offline, and the auditor that keeps
// the log honest. The SQL is in ledgerdb, the pages of the log in ledgerweb.
//
// It promises:
//
//   - No personal data is in the log. A leaf is [LeafSize] bytes: what kind of
//     thing happened, in which hour, under which model and policy, and an
//     HMAC-SHA256 of the record under a fresh random salt. Nothing repeats per
//     person. With the salt destroyed a leaf is a random string, and the tree
//     stays whole.
//     What the log does show to whoever reads it is how often which kind of thing
//     happens.
//   - The record is never stored here: its owner keeps the [Opening], sealed.
//   - The tree is RFC 6962's (golang.org/x/mod/sumdb/tlog), its head a C2SP
//     tlog-checkpoint, a receipt a C2SP tlog-proof, the log over HTTP C2SP
//     tlog-tiles: software we did not write can check it.
//   - A receipt has one spelling. [Verify] refuses every other text, so no byte
//     of a receipt can change unnoticed, not even one that no signature covers.
//   - [Auditor] notices when the log forks, shrinks or alters what it showed.
//   - A receipt carries the log's signature and may carry witnesses' cosignatures.
//     Given the witnesses' keys, [Verify] lets no byte of those change either;
//     [Policy] says how many are enough.
//
// Not here yet: rotation of the log's key without a new epoch, ML-DSA-44.
//
// Sources: c2sp.org/{signed-note, tlog-checkpoint, tlog-proof, tlog-tiles,
// tlog-cosignature, tlog-witness, tlog-policy},
// RFC 6962 section 2.1, RFC 2104 (HMAC).
package ledger

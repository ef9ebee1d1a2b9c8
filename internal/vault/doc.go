// Package vault keeps the keys: it seals what is stored about people, opens it
// for the gate, and destroys keys so that what they sealed is gone everywhere.
//
// Keys form four levels. The [Root] (a sealed file, an exec plug-in, Vault
// transit, AWS KMS) wraps epoch keys, one for each day of rotation. Epoch keys
// wrap data keys with XAES-256-GCM. A data key is 32 random bytes for one owner
// and one retention class; a class that expires by month has a second one, the
// start of a one-way chain with a link for every month. Data keys seal cells.
//
// It promises:
//
//   - A data key is random, never derived from a person, and never made twice:
//     [Vault.Seal] makes none for an owner without a key, and [Vault.Ensure]
//     refuses an owner that was shredded.
//   - A sealed value opens in its own cell only: the associated data holds the
//     installation, owner, class, table, column, row and category. A category is
//     part of it so that a caller who was granted one category cannot open another
//     by naming it wrongly; to recategorise a column is to seal it again.
//   - Whatever is wrong (cell, key, bit, root) gives an error of kind
//     thimble.ErrDenied, an outage one of kind thimble.ErrUnavailable, and neither
//     says anything about the plain value.
//   - [Vault.Shred] returns when the keys are deleted, out of the write-ahead log,
//     and not found by a scan of the live files' bytes. Other processes on the same
//     database drop their cached keys within [Config.Pulse].
//   - After [Vault.ExpireBefore] no stored key leads to an expired month.
//   - After [Vault.Rotate] all data keys lie under today's epoch key, and epoch
//     keys older than W days are destroyed. They are kept apart from the data keys
//     ([Epochs]) and belong in no backup: so a backup of the data keys older than W
//     days can be opened by nobody.
//   - No plain key is written anywhere. Cached ones are bounded in number and age.
//
// What it cannot promise: PostgreSQL keeps dead rows until a vacuum and changes in
// its log until that is recycled; there, destruction is by epoch only, W days
// later, and [Shredded.Scanned] says so. Go cannot wipe the key schedules of ciphers
// that the collector has yet to free.
//
// Left for later: renewing a data key while its owner lives (records carry a
// generation number for it), and root keys shared among several people.
package vault

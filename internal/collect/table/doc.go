// Package table reads what shops export: tables as CSV, objects as JSON Lines, product
// feeds as XML. It finds out how a text is written and what its columns mean, as a
// guess that somebody confirms, and then gives it record by record.
//
// It promises:
//
//   - What is found is a [Mapping] that can be looked at, saved and given again: form,
//     columns, how dates and decimals are written. A date that may be read in two ways
//     is not guessed; it has to be said.
//   - A [Column] tells the name, how many values there are and of which shapes. It has no
//     value of any row. A first line that looks like data is refused and not repeated.
//   - A record that cannot be read costs itself and no other, and says where and why.
//   - Memory is bounded by the longest line (64 KB) or entry of a feed (256 KB), never by
//     the file. XML has no entities but the five of the standard, no document type, and
//     at most 16 levels.
//   - What JSON it accepts is what encoding/json accepts, without repeated keys.
package table

// Package vaultweb shows staff which epoch keys live, when each dies, and what a backup
// of the data keys can still open.
//
// It promises:
//
//   - No key, wrapped or plain, is on its page; days and numbers are.
//   - What it says about a backup is what the vault would find: the answer comes from
//     the epoch keys that live, not from a calendar.
//   - A rotation that was begun is finished, even when whoever asked for it goes away.
//
// The number of data keys is not there yet: the vault does not count them.
package vaultweb

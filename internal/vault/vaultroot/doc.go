// Package vaultroot speaks to what can hold the vault's root key elsewhere: an exec
// plug-in, the transit engine of HashiCorp Vault or OpenBao, and AWS KMS, the two
// services by plain signed HTTPS.
//
// It promises:
//
//   - Each root passes the suite vaulttest.TestRoot: what it wrapped opens with the same
//     associated data and no other; an outage is of kind thimble.ErrUnavailable, a
//     destroyed or foreign key of kind thimble.ErrDenied.
//   - Outside loopback it speaks TLS 1.3 or not at all, and follows no redirect, so
//     that a token goes to the configured host only.
//   - No answer of a service and no output of a plug-in is put in an error: it may
//     hold a key.
package vaultroot

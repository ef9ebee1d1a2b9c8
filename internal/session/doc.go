// Package session says who is at the door: one-time sign-in links and sessions,
// for staff and for customers. Package sessiondb keeps them.
//
// It promises:
//
//   - a token is 32 random bytes; only its SHA-256 is stored;
//   - a link works once and for fifteen minutes; using it makes a session;
//   - a session ends after an idle time and after a whole time, and can be ended;
//   - a customer's sessions are data about a person: the store is a holder.
//
// Accounts, passwords, second factors and roles come with the staff package.
package session

// Package session says who is at the door: one-time links, codes by mail, tokens
// signed by the shop, and the sessions they begin, for customers and for staff.
// Package sessiondb keeps them.
//
// It promises:
//
//   - a token is 32 random bytes; only its SHA-256 is stored;
//   - a link works once and for fifteen minutes; using it makes a session;
//   - a code works once, for ten minutes, at the fifth try at the latest, and in the
//     browser that asked for it only: what is stored of it opens with that browser's
//     cookie alone;
//   - a token of the shop is believed for five minutes at most, once, from the shop's
//     keys only, and for this installation only ([ShopKeys.Verify]);
//   - whoever asks for a code learns nothing of whether anybody has that address: the
//     answer is the same, and so is the work;
//   - a session ends after an idle time and after a whole time, can be listed and be
//     ended by itself, and remembers when its owner last proved who they are ([Fresh]);
//   - of a browser a session keeps the family and the system, never more ([Device]);
//   - a customer's sessions and codes are data about a person: the store is a holder.
//
// Staff's passwords, second factors and roles are those of package staff.
package session

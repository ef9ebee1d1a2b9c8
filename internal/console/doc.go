// Package console is the staff's door: who may come in, the frame around each
// page, and the overview. The pages themselves come from the capabilities, as
// sections.
//
// It promises:
//
//   - nothing but sign-in is shown to whoever is not signed in as staff;
//   - a link works once, and by a button: what previews links cannot use one up;
//   - the cookie is out of reach of scripts and of other sites, and under TLS bound
//     to this host;
//   - no page is stored by a cache, and where the reader stands is in the address.
//
// It knows the UI kit, the vocabulary and sessions, and no capability. Requests
// from other sites are refused by the chain in front of it ([web.Secure]).
//
// Accounts, roles and second factors come with the staff package: until then who
// has a link is in.
package console

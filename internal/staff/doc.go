// Package staff says who works here: accounts with roles, and how they prove who they
// are. Package staffdb keeps them, staffweb has their pages, rules what they may.
//
// It promises:
//
//   - an account has a name that is shown to customers beside each look at their data,
//     and that is never given again, also when its owner has left;
//   - whoever comes in has a password and a second factor: what is kept of a password is
//     its argon2id hash, of a recovery code its hash, and the secret of the codes is
//     sealed under the installation's key;
//   - a code of the second factor comes in once, ever, also of two that are entered at
//     once, and also when a clock is set back ([CodeStep]);
//   - a wrong name, a wrong password and a wrong code are told alike, after the same
//     work ([Dummy]);
//   - nobody is locked out by the guesses of others ([thimble/internal/staff/staffweb]);
//   - the first password is set with a one-time link. A link opens nothing where a
//     password is set;
//   - each change of an account is a leaf of the ledger, and says who made it;
//   - nobody changes their own roles or says that their own training is done;
//   - who has left, or is locked, is signed out at once, everywhere.
//
// Passkeys, single sign-on, invitations by mail and what is taught in a training are not
// there yet.
package staff

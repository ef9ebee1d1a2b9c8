// Package apikeyweb is the console's desk for keys to the API: the list, a form
// for a new key, and revoking.
//
// It promises:
//
//   - the text of a key is on one page, once: the answer to the form that made
//     it, which no cache and no history keeps;
//   - a form with an error comes back with what was typed and the error beside
//     its field;
//   - revoking asks first, and says what stops working.
package apikeyweb

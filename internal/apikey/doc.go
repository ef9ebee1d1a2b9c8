// Package apikey says what a key to the API is: its text, its scopes, who may do
// what with it. Package apikeydb keeps them, apikeyweb is the desk for them.
//
// It promises:
//
//   - a key is 32 random bytes; only the SHA-256 of its text is stored, and the
//     text is shown once;
//   - the text ends in a checksum, so that a typing error is told apart from a
//     revoked key, without a look-up and without telling which keys there are;
//   - an unknown key and a revoked one get the same answer;
//   - a key may do what its scopes name and nothing else; doubt is denied;
//   - a name is given once, so that the use log names one key for good.
//
// A key is a system of the shop, not a person: nothing here is about people.
// Expiry dates, rate limits and addresses come with their own issue.
package apikey

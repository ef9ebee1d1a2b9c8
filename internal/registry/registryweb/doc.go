// Package registryweb is the board of models: which version of each serves, what it was
// made from, who vouches for it and what the verification of its file found. Staff moves
// versions there, and anybody may read the card of what serves.
package registryweb
